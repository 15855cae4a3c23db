"""Many tasks over few places, and over connections that are lost."""

from __future__ import annotations

import itertools
import random

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.pool.support import SMALL, Listener, letters, refusals_counted, service
from trio_cartesia import ConnectionLost
from trio_cartesia.server import Behaviour, Plan
from trio_cartesia.testing import on_virtual_time

MEAN_SECONDS = 1.5  # between two losses
SETTLED_SECONDS = 0.5  # a connection's age before it is lost, so that each loss follows some words


class Crowd:
    """Tasks that speak through one pool.

    Attributes:
        stays: Of each task, when it came and when it got its place; in the order of coming.
    """

    def __init__(self, pool, network):
        self.pool, self.network, self.stays, self.complete = pool, network, [], 0

    async def speak(self, number):
        words = [f"Task{number}", *(f"word{count}" for count in range(number % 7 + 2))]
        stay = [trio.current_time(), None]
        self.stays.append(stay)
        listener = Listener()
        async with self.pool.speak(" ".join(words), resume=True, **SMALL) as context:
            stay[1] = trio.current_time()
            await listener.receive(context)
            self.complete += context._contexts.is_complete(context._entry)
        if listener.error is not None:
            raise listener.error
        assert letters(listener.words()) == words
        for context_id, audio, _ in listener.stretches:
            record = self.network.server.journal.context(context_id)
            assert record.transcript.endswith(words[-1])
            assert record.audio.startswith(bytes(audio))
        # of a loss behind the last word nothing is made up but the silence there
        assert set(record.audio[len(audio) :]) <= {0xFF}

    def check_fairness(self):
        for (_, first), (_, second) in itertools.pairwise(self.stays):
            assert first <= second


async def lose(network, chance):
    """Break connections at random moments, and lose all at once at times."""
    while True:
        await trio.sleep(chance.expovariate(1 / MEAN_SECONDS))
        before = trio.current_time() - SETTLED_SECONDS
        settled = [each for each in network.streams if network.opened_at[each] < before]
        for stream in settled if chance.random() < 0.3 else settled[:1]:
            stream.reset()


@pytest.mark.parametrize("count", [15, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loses", [False, True])
async def test_many_tasks_over_a_small_plan(count, loses, autojump_clock):
    """Over a service of plan `startup`, however connections are lost, no task meets a 429, all
    audio is exact and complete, and none waits for one that came later.
    """
    chance = random.Random(count)  # noqa: S311
    behaviour = Behaviour(times_real_time=4.0, chunk_bytes=400)
    with refusals_counted() as refusals:
        async with (
            service(plan="startup", behaviour=behaviour) as (client, network),
            client.tts.websocket_pool(plan="startup", max_connections=3) as pool,
            trio.open_nursery() as losing,
        ):
            crowd = Crowd(pool, network)
            if loses:
                losing.start_soon(lose, network, chance)
            async with trio.open_nursery() as nursery:
                for number in range(count):
                    nursery.start_soon(crowd.speak, number)
                    await trio.sleep(chance.choice([0, 0, 0.01]))
            losing.cancel_scope.cancel()
            numbers = pool.statistics()
    crowd.check_fairness()
    assert crowd.complete == count
    assert (numbers.waiting, numbers.contexts_open, numbers.contexts_in_blocks) == (0, 0, 0)
    if loses:
        assert numbers.contexts_resumed > count / 10
    else:
        assert refusals == []


TASKS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 1.0]),  # before it
        st.integers(1, 6),  # words
        st.booleans(),  # resumes
        st.sampled_from([None, None, 0.0, 0.05, 0.3, 1.0]),  # leaves its block after
        st.sampled_from(["speak", "pieces", "push"]),
    ),
    min_size=1,
    max_size=8,
)


@pytest.mark.slow
@given(
    tasks=TASKS,
    losses=st.lists(st.floats(0, 2), max_size=4),
    places=st.integers(1, 4),
    allowed=st.integers(1, 3),
    ending=st.sampled_from(["done", "error", "nothing"]),
)
@on_virtual_time
async def test_anything_at_once(tasks, losses, places, allowed, ending):
    """However contexts speak, are resumed, refused, lost and left at once, each receives what was
    spoken for it and nothing else, only losses end them early, and all places are free in the end.
    """
    plan = Plan(name="own", tts_concurrency=allowed, stt_concurrency=1)
    behaviour = Behaviour(times_real_time=4.0, chunk_bytes=800, cancel_ends_with=ending)
    async with (
        service(plan=plan, behaviour=behaviour) as (client, network),
        client.tts.websocket_pool(max_contexts=places) as pool,
        trio.open_nursery() as nursery,
    ):

        async def lose_some():
            for gap in losses:
                await trio.sleep(gap)
                network.reset_all()

        async def take_part(number, count, resumes, leaves, way):
            words = [f"Task{number}x{index}" for index in range(count)]
            pieces = [f"{word} " for word in words]
            listener = Listener()
            with trio.move_on_after(float("inf") if leaves is None else leaves):
                try:
                    async with open_context(pool, pieces, way, resumes=resumes) as context:
                        if way == "push":
                            await context.feed(pieces)
                        await listener.receive(context)
                except ConnectionLost as error:
                    listener.error = error
            spoken = letters(listener.words())
            assert spoken == words[: len(spoken)]
            for context_id, audio, _ in listener.stretches:
                record = network.server.journal.context(context_id)
                assert set(record.transcript.split()) <= set(words)
                assert record.audio.startswith(bytes(audio))
            if listener.error is not None:
                assert isinstance(listener.error, ConnectionLost)
                assert losses
            elif leaves is None:
                assert spoken == words

        nursery.start_soon(lose_some)
        for number, (pause, *task) in enumerate(tasks):
            await trio.sleep(pause)
            nursery.start_soon(take_part, number, *task)
        await trio.sleep(200)
        numbers = pool.statistics()
        assert (numbers.waiting, numbers.contexts_open, numbers.contexts_in_blocks) == (0, 0, 0)
        assert (numbers.characters_kept, numbers.held_bytes) == (0, 0)


def open_context(pool, pieces, way, *, resumes):
    if way == "push":
        return pool.context(**SMALL, add_timestamps=True)
    source = pieces if way == "pieces" else "".join(pieces)
    return pool.speak(source, resume=resumes, **SMALL, add_timestamps=True)

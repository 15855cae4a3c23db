"""What a pool does when the service refuses a context all the same."""

from __future__ import annotations

import pytest
import trio
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, refusals_counted, service
from trio_cartesia import ConcurrencyLimited
from trio_cartesia.server import Behaviour, Plan
from trio_cartesia.testing import Link, on_virtual_time


def plan_of(contexts: int) -> Plan:
    return Plan(name="own", tts_concurrency=contexts, stt_concurrency=1)


TASKS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.02, 2.0]),  # before it
        st.lists(st.sampled_from(["One two. ", "Three! ", "Four five six seven. "]), min_size=1),
        st.sampled_from([None, 0.0, 0.01, 0.3]),  # before each piece; None: the whole text
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=max(10, settings.default.max_examples // 2))
@given(tasks=TASKS, allowed=st.integers(1, 3), places=st.integers(1, 8))
@on_virtual_time
async def test_a_pool_that_is_larger_than_the_plan(tasks, allowed, places):
    """Whatever is spoken through a pool that is larger than the plan, nobody meets the 429: each
    text is spoken whole, and delivered once, to its context.
    """
    delivered = []
    async with (
        service(plan=plan_of(allowed)) as (client, network),
        client.tts.websocket_pool(max_contexts=places) as pool,
        trio.open_nursery() as nursery,
    ):

        async def speak(pieces, seconds):
            async def paced():
                for piece in pieces:
                    await trio.sleep(seconds)
                    yield piece

            text = "".join(pieces)
            async with pool.speak(text if seconds is None else paced(), **SMALL) as context:
                speech = await context.collect()
            record = network.server.journal.context(context.context_id)
            assert (speech.complete, record.transcript) == (True, text)
            assert speech.audio == record.audio
            delivered.append(record)

        for pause, pieces, seconds in tasks:
            await trio.sleep(pause)
            nursery.start_soon(speak, pieces, seconds)
    assert len(set(map(id, delivered))) == len(tasks)
    if places <= allowed:
        assert pool.statistics().contexts_limited == 0


async def test_the_limit_falls_and_recovers(autojump_clock):
    """After a 429 the pool opens no more than the service took; a while later it tries again."""
    with refusals_counted() as refusals:
        async with (
            service(plan=plan_of(2)) as (client, _),
            client.tts.websocket_pool(max_contexts=5) as pool,
        ):
            async with trio.open_nursery() as nursery:

                async def speak():
                    async with pool.speak("Some words. " * 20, **SMALL) as context:
                        await context.collect()

                for _ in range(5):
                    nursery.start_soon(speak)
            numbers = pool.statistics()
            assert numbers.working_limit == 2
            assert numbers.contexts_limited == numbers.contexts_moved == len(refusals) == 3
            assert numbers.contexts_opened == 5
            await trio.sleep(200)
            assert pool.statistics().working_limit == 5


async def test_another_program_uses_the_account(autojump_clock):
    """While others use up the plan, a context is opened again and again, at growing intervals and
    without an error; the statistics say what it waits for.
    """
    with refusals_counted() as refusals:
        async with (
            service(plan=plan_of(1)) as (client, _),
            client.tts.websocket_connect() as other,
            client.tts.websocket_pool(max_contexts=2) as pool,
        ):
            async with other.context(**SMALL) as theirs, trio.open_nursery() as nursery:
                for _ in range(60):
                    await theirs.push("They speak. ")
                    if not refusals:
                        nursery.start_soon(speak_completely, pool)
                    await trio.sleep(0.5)
                    assert pool.statistics().waiting_for in ("limit", None)
                theirs.cancel()
            assert 4 < len(refusals) < 15
            await speak_completely(pool)


async def speak_completely(pool):
    async with pool.speak("Ours.", **SMALL) as context:
        assert (await context.collect()).complete


@pytest.mark.parametrize("way", ["leave", "cancel", "scope"])
async def test_leaving_while_it_is_to_be_opened_again(way, autojump_clock):
    """A context that waits to be opened again may be cancelled and left like any other."""
    async with (
        service(plan=plan_of(1)) as (client, network),
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=2) as pool,
        other.context(**SMALL) as theirs,
    ):
        await theirs.push(LONG)
        with trio.CancelScope() as scope:
            async with pool.context(**SMALL) as context:
                await context.push("Ours. ")
                await trio.sleep(0.01)
                assert pool.statistics().contexts_limited == 1
                if way == "cancel":
                    context.cancel()
                    assert [event async for event in context.receive()] == []
                elif way == "scope":
                    scope.cancel()
                    await context.push("More.")
        assert pool.statistics().waiting == 0
        await trio.sleep(30)
        assert len(network.server.journal.contexts) == 1


@pytest.mark.parametrize("way", ["cancel", "leave"])
@pytest.mark.parametrize("settled", ["granted", "refused"])
async def test_leaving_in_the_moment_in_which_the_wait_ends(settled, way, autojump_clock):
    """A context that is cancelled or left in the turn in which it got its place, or was refused
    one, is not opened again, and its place is free.
    """
    async with (
        service(plan=plan_of(1)) as (client, network),
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        async with other.context(**SMALL) as theirs:
            await theirs.push(LONG)
            async with pool.context(**SMALL) as context:
                await context.push("Ours.")
                await trio.sleep(0.01)
                assert pool.statistics().waiting_for == "limit"
                if settled == "granted":
                    pool._admission.limit.accept()
                    pool._admission.limit.paused_until = 0
                    pool._admission._grant()
                else:
                    pool._admission._refuse_all(KeyError("no connection"))
                assert pool.statistics().waiting == 0
                if way == "cancel":
                    context.cancel()
            await trio.sleep(1)
        assert pool.statistics().contexts_open == 0
        assert len(network.server.journal.contexts) == 1


async def test_pushing_while_it_is_to_be_opened_again(autojump_clock):
    """What is pushed meanwhile waits, is withdrawn if the push is cancelled, and is spoken behind
    what was pushed before.
    """
    async with (
        service(plan=plan_of(1)) as (client, network),
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=2) as pool,
        other.context(**SMALL) as theirs,
    ):
        await theirs.push(LONG)
        async with pool.context(**SMALL) as context:
            await context.push("One ")
            await trio.sleep(0.01)
            with trio.move_on_after(0.01) as scope:
                await context.push("two ")
            assert scope.cancelled_caught
            with trio.move_on_after(0.01):
                await context.flush()
            theirs.cancel()
            await context.push("three.")
            await context.no_more_inputs()
            speech = await context.collect()
        record = network.server.journal.context(context.context_id)
        assert (record.transcript, record.flushes) == ("One three.", 0)
        assert speech.audio == record.audio


async def test_a_refusal_after_the_text_is_no_longer_kept(autojump_clock):
    """A context whose text is longer than what is kept for another attempt meets the 429."""
    async with (
        service(plan=plan_of(1)) as (client, _),
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=2) as pool,
        other.context(**SMALL) as theirs,
    ):
        await theirs.push(LONG)
        with pytest.raises(ConcurrencyLimited):
            async with pool.speak("A word. " * 10_000, **SMALL) as context:
                await context.collect()


@given(words=st.integers(10, 60), pause=st.sampled_from([0.005, 0.02]))
@settings(max_examples=max(10, settings.default.max_examples // 3))
@on_virtual_time
async def test_later_pieces_of_a_refused_context_are_not_spoken(words, pause):
    """Where the service refuses a context's first piece and takes a later one, what it then speaks
    is cancelled, and the text is spoken whole all the same.
    """
    pieces = [f"Piece {number}. " for number in range(10)]
    async with service(plan=plan_of(1)) as (client, network):
        network.link = Link(latency_seconds=0.05)
        await speak_pieces_beside_another(client, network, words, pieces, pause)


async def speak_pieces_beside_another(client, network, words, pieces, pause):
    async with (
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=2) as pool,
        other.speak("word " * words, **SMALL) as theirs,
    ):
        await trio.sleep(0.05)
        async with pool.context(**SMALL) as context:
            for piece in pieces:
                await context.push(piece)
                await trio.sleep(pause)
            await context.no_more_inputs()
            speech = await context.collect()
        records = {each.context_id: each for each in network.server.journal.contexts}
        del records[theirs.context_id]
        record = records.pop(context.context_id)
        assert record.transcript == "".join(pieces)
        assert (speech.audio, speech.complete) == (record.audio, True)
        assert all(each.cancels for each in records.values())
        event("a later piece was taken" if records else "none was")


@given(tasks=st.integers(1, 6))
@on_virtual_time
async def test_a_refusal_that_names_no_context(tasks):
    """Where a 429 names no context, those that have spoken nothing are opened again."""
    behaviour = Behaviour(limit_error_has_context=False)
    outcomes = []
    async with (
        service(plan=plan_of(1), behaviour=behaviour) as (client, _),
        client.tts.websocket_pool(max_contexts=6) as pool,
        trio.open_nursery() as nursery,
    ):

        async def speak(number):
            async with pool.speak(f"Number {number}.", **SMALL) as context:
                try:
                    speech = await context.collect()
                except ConcurrencyLimited as error:
                    outcomes.append(len(error.partial.audio) > 0)
                else:
                    outcomes.append(speech.complete)

        for number in range(tasks):
            nursery.start_soon(speak, number)
    assert outcomes == [True] * tasks


async def test_the_times_of_a_context_that_is_opened_again(autojump_clock):
    """The time to first audio includes the wait of a context that was refused and opened again."""
    async with (
        service(plan=plan_of(1)) as (client, _),
        client.tts.websocket_connect() as other,
        client.tts.websocket_pool(max_contexts=2) as pool,
    ):
        async with other.context(**SMALL) as theirs, pool.context(**SMALL) as context:
            await theirs.push(LONG)
            opened_at = trio.current_time()
            await trio.sleep(0.5)
            await context.push("Ours.")
            await trio.sleep(1)
            theirs.cancel()
            await context.no_more_inputs()
            timings = (await context.collect()).timings
        assert pool.statistics().contexts_moved > 0
        assert (timings.opened_at, timings.pushed_at) == (opened_at, opened_at + 0.5)
        assert timings.first_audio_at > opened_at + 1.5
        assert timings.ended_at >= timings.last_audio_at >= timings.first_audio_at

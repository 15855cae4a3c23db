"""Who waits, for how long, and who goes first."""

from __future__ import annotations

import itertools
import math
import threading

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, refusals_counted, service
from tests.support import examples
from trio_cartesia import LocalProtocolError, PoolClosed
from trio_cartesia.testing import on_virtual_time

ARRIVALS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.01, 0.5]), st.integers(0, 2), st.integers(1, 4)),
    min_size=1,
    max_size=25,
)


@given(arrivals=ARRIVALS, places=st.integers(1, 5))
@settings(max_examples=examples(12))
@on_virtual_time
async def test_nobody_is_overtaken(arrivals, places):
    """However tasks arrive and whatever they say, none waits for one of the same or a lower
    priority that came later, and the service refuses none.
    """
    stays = []  # priority, when it came, when it got its place; in the order of coming

    with refusals_counted() as refusals:
        async with (
            service(plan="startup") as (client, _),
            client.tts.websocket_pool(max_contexts=places) as pool,
            trio.open_nursery() as nursery,
        ):

            async def speak(priority, words):
                stay = [priority, trio.current_time(), math.inf]
                stays.append(stay)
                async with pool.speak("word " * words, **SMALL, priority=priority) as context:
                    stay[2] = trio.current_time()
                    await context.collect()

            for seconds, priority, words in arrivals:
                await trio.sleep(seconds)
                nursery.start_soon(speak, priority, words)
    assert len(stays) == len(arrivals)
    assert refusals == []
    for (priority, _, opened_at), (other, came_at, other_at) in itertools.combinations(stays, 2):
        if priority >= other:
            assert opened_at <= other_at
        elif came_at < opened_at:
            assert other_at <= opened_at


async def test_priorities(autojump_clock):
    """Of those who wait, higher priorities go first, and within one the first who came."""
    order = []
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:

        async def speak(priority, name):
            async with pool.speak("Word.", **SMALL, priority=priority) as context:
                order.append(name)
                await context.collect()

        async with trio.open_nursery() as nursery:
            async with pool.context(**SMALL):
                for priority, name in [(0, "a"), (-1, "b"), (0, "c"), (5, "d"), (5, "e")]:
                    nursery.start_soon(speak, priority, name)
                    await trio.testing.wait_all_tasks_blocked()
    assert order == ["d", "e", "a", "c", "b"]


async def test_a_place_is_free_when_the_service_has_ended_the_context(autojump_clock):
    """Those who wait do not wait for somebody who still plays what was spoken long ago."""
    async with (
        service(plan="free") as (client, _),
        client.tts.websocket_pool(max_contexts=1) as pool,
        pool.speak("One.", **SMALL) as slow,
    ):
        await trio.sleep(1)
        assert pool.statistics().contexts_open == 0
        async with pool.speak("Two.", **SMALL) as context:
            assert (await context.collect()).complete
        assert (await slow.collect()).complete


async def test_cancelled_while_waiting(autojump_clock):
    """A task that is cancelled in the queue leaves it, and the others move up."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        async with pool.context(**SMALL):
            with trio.move_on_after(3) as scope:
                async with pool.context(**SMALL):
                    raise AssertionError
            assert scope.cancelled_caught
            assert pool.statistics().waiting == 0
        left_at = trio.current_time()
        async with pool.context(**SMALL):
            assert trio.current_time() == left_at


async def test_statistics_say_who_waits_and_why(autojump_clock):
    """Numbers, reason and the longest wait, for a full pool and without a connection."""
    async with service() as (client, network):
        network.error = OSError("down")
        async with (
            client.tts.websocket_pool(max_contexts=2) as pool,
            trio.open_nursery() as nursery,
        ):
            assert pool.statistics().waiting_for is None

            async def speak():
                async with pool.context(**SMALL) as context:
                    await trio.sleep(1)
                    context.cancel()

            for _ in range(5):
                nursery.start_soon(speak)
            await trio.sleep(0.25)
            numbers = pool.statistics()
            assert (numbers.waiting, numbers.waiting_for) == (5, "connection")
            assert numbers.longest_wait_seconds == pytest.approx(0.25)
            network.error = None
            await trio.sleep(0.3)
            numbers = pool.statistics()
            assert (numbers.waiting, numbers.waiting_for) == (3, "place")
            assert (numbers.contexts_open, numbers.contexts_in_blocks) == (2, 5)


async def test_draining(autojump_clock):
    """What speaks is spoken to its end, those who wait are refused, and so are all who come."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=2) as pool:
        outcomes = []

        async def speak():
            try:
                async with pool.speak(LONG, **SMALL) as context:
                    outcomes.append((await context.collect()).complete)
                    await trio.sleep(3)  # plays it
            except PoolClosed as error:
                outcomes.append(str(error))

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(speak)
            await trio.sleep(0.01)
            await pool.drain()
            assert outcomes == ["the pool is draining"] * 3 + [True] * 2
            assert pool.statistics().contexts_in_blocks == 0
        await pool.drain()
        with pytest.raises(PoolClosed):
            pool_context = pool.context(**SMALL)
            async with pool_context:
                pass


async def test_draining_takes_no_longer_than_its_caller_allows(autojump_clock):
    """The caller's deadline ends the wait; what is open goes on."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        async with pool.speak(LONG, **SMALL) as context:
            with trio.move_on_after(0.01) as scope:
                await pool.drain()
            assert scope.cancelled_caught
            assert pool.statistics().is_draining
            assert (await context.collect()).complete


async def test_the_end_of_the_pool(autojump_clock):
    """When the pool's block ends, those who wait are refused, open contexts end as with their
    connection, and the block's own exception comes bare.
    """
    outcomes = []

    async def speak(pool):
        try:
            async with pool.context(**SMALL) as context:
                await context.push("Hello.")
                await context.collect()
        except Exception as error:  # noqa: BLE001
            outcomes.append(str(error))

    async with service() as (client, _), trio.open_nursery() as nursery:
        with pytest.raises(KeyError):
            async with client.tts.websocket_pool(max_contexts=1) as pool:
                await trio.sleep(1)
                for _ in range(2):
                    nursery.start_soon(speak, pool)  # noqa: ASYNC111  # the pool ends first
                await trio.testing.wait_all_tasks_blocked()
                raise KeyError
        await trio.sleep(1)
        assert outcomes == ["the pool's block has ended", "the connection's block has ended"]
        with pytest.raises(PoolClosed, match="block has ended"):
            async with pool.context(**SMALL):
                pass


async def test_calls_from_elsewhere(autojump_clock):
    """A pool belongs to its run: calls from another thread say so."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        caught = []

        def call():
            for method in (pool.statistics, lambda: pool.context(**SMALL).__aenter__().send(None)):
                try:
                    method()
                except LocalProtocolError as error:
                    caught.append(str(error))

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert len(caught) == 2
        assert all("within Trio" in text for text in caught)

"""How far the reader gets ahead of those who receive."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, turns_of_others
from trio_cartesia import InboxOverflow
from trio_cartesia._runtime.inbox import ByteCounter
from trio_cartesia._runtime.pace import AHEAD_BYTES, IDLE_TURNS, Pace
from trio_cartesia.testing import connected_pair, on_virtual_time


@given(sizes=st.lists(st.integers(1, 50_000), min_size=1, max_size=200), turns=st.integers(1, 5))
@on_virtual_time
async def test_a_consumer_that_is_never_idle_is_waited_for(sizes, turns):
    """While something is received every few turns, reading waits until little is left."""
    waiting = ByteCounter()
    waiting.add(AHEAD_BYTES)
    for size in sizes:
        waiting.add(size)
    pace = Pace(waiting)
    assert pace.is_ahead

    async def consume() -> None:
        for size in sizes:
            for _ in range(turns):
                await trio.lowlevel.checkpoint()
            waiting.held_bytes -= size

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await pace.give_turns()
        assert waiting.held_bytes == AHEAD_BYTES
    assert not pace.is_ahead


@on_virtual_time
async def test_a_consumer_that_is_idle_is_waited_for_once():
    """One that sleeps gets a few turns, takes no time, and the next ones after
    as much has arrived.
    """
    waiting = ByteCounter()
    pace = Pace(waiting)
    waiting.add(3 * AHEAD_BYTES)
    assert pace.is_ahead
    async with turns_of_others() as turns:
        await pace.give_turns()
        assert turns.count <= 2 * IDLE_TURNS
    assert trio.current_time() == 0
    waiting.add(AHEAD_BYTES)
    assert not pace.is_ahead
    waiting.add(1)
    assert pace.is_ahead


@on_virtual_time
async def test_a_new_backlog_is_noticed_like_the_first():
    """However far ahead the reader was before, it notices a new backlog as soon as the first
    one.
    """
    waiting = ByteCounter()
    pace = Pace(waiting)
    waiting.add(100 * AHEAD_BYTES)
    await pace.give_turns()
    waiting.held_bytes = 0
    assert not pace.is_ahead
    waiting.add(AHEAD_BYTES + 1)
    assert pace.is_ahead


@pytest.mark.slow
@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_flood_overflows_no_inbox_whose_consumer_is_never_idle(autojump_clock, turns):
    """A loop that only counts, or that lets others run at each event, gets all of a flood that is
    twenty times its budget.
    """
    count, frames = 0, 600
    async with connected_pair(inbox_bytes=4 * 2**20, pipe_bytes=2**20) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a") as context,
            trio.open_nursery() as nursery,
        ):
            await context.push("Hello.")

            async def flood() -> None:
                for _ in range(frames):
                    await peer.chunk("a", bytes(2**17))
                await peer.done("a")

            nursery.start_soon(flood)
            async for event in context.receive():
                count += event.type == "chunk"
                for _ in range(turns):
                    await trio.lowlevel.checkpoint()
    assert count == frames


async def test_a_consumer_that_sleeps_holds_nobody_up(autojump_clock):
    """Beside a context that nobody receives, another gets its audio at the moment it was sent."""
    async with connected_pair(pipe_bytes=2**22) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a", inbox_bytes=8 * 2**20) as slow,
            connection.context(**SETTINGS, context_id="b") as quick,
        ):
            await slow.push("Hello.")
            await quick.push("Hello.")
            for _ in range(10):
                for _ in range(10):
                    await peer.chunk("a", bytes(2**17))
                await peer.chunk("b", b"12")
                assert (await anext(quick.receive())).type == "chunk"
                assert trio.current_time() == 0
            with pytest.raises(InboxOverflow):
                await slow.collect()

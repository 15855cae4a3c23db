"""Connections in memory."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import check_half_closeable_stream

from trio_cartesia.testing import bounded_stream_pair, on_virtual_time


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of trio's own checks
async def test_they_keep_trios_contract():
    """
    The streams pass Trio's own checks of streams that can be half closed.
    """

    async def make():
        await trio.lowlevel.checkpoint()
        return bounded_stream_pair()

    async def make_clogged():
        near, far = bounded_stream_pair(10)
        await near.send_all(bytes(10))
        await far.send_all(bytes(10))
        return near, far

    await check_half_closeable_stream(make, make_clogged)


@given(pieces=st.lists(st.binary(max_size=30)), limit=st.integers(1, 20), reads=st.integers(1, 40))
@on_virtual_time
async def test_what_is_sent_arrives_and_little_is_under_way(pieces, limit, reads):
    """
    Bytes arrive whole and in order, and never more than the bound are under way.
    """
    near, far = bounded_stream_pair(limit)
    received = bytearray()
    async with trio.open_nursery() as nursery:

        async def send():
            for piece in pieces:
                await near.send_all(piece)
            await near.send_eof()

        nursery.start_soon(send)
        while data := await far.receive_some(reads):
            assert len(data) <= limit
            received += data
    assert bytes(received) == b"".join(pieces)


async def test_a_stalled_end_is_silent_and_loses_nothing(autojump_clock):
    """
    While one end is stalled the other one waits; afterwards everything arrives.
    """
    near, far = bounded_stream_pair(4)
    far.stall()
    with trio.move_on_after(10) as patience:
        await near.send_all(b"12345678")
    assert patience.cancelled_caught
    far.resume()
    assert await far.receive_some() == b"1234"


async def test_a_reset_breaks_both_ends_at_once(autojump_clock):
    """
    After a reset, sending and receiving fail on both ends, also for those who wait.
    """
    near, far = bounded_stream_pair()
    async with trio.open_nursery() as nursery:

        async def receive(stream):
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some()

        nursery.start_soon(receive, near)
        nursery.start_soon(receive, far)
        await trio.testing.wait_all_tasks_blocked()
        far.reset()
    for stream in (near, far):
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"1")

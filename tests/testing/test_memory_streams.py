"""Connections in memory."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import check_half_closeable_stream

from trio_cartesia.testing import Link, bounded_stream_pair, on_virtual_time
from trio_cartesia.testing.strategies import links


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of trio's own checks
async def test_they_keep_trios_contract():
    """The streams pass Trio's own checks of streams that can be half closed."""

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
    """Bytes arrive whole and in order, and never more than the bound are under way."""
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
    """While one end is stalled the other one waits; afterwards everything arrives."""
    near, far = bounded_stream_pair(4)
    far.stall()
    with trio.move_on_after(10) as patience:
        await near.send_all(b"12345678")
    assert patience.cancelled_caught
    far.resume()
    assert await far.receive_some() == b"1234"


async def test_a_cut_counts_across_sends(autojump_clock):
    """A cut lets that many bytes through, in however many sends, and then the stream ends."""
    near, far = bounded_stream_pair()
    near.cut_after(5)
    await near.send_all(b"123")
    assert await far.receive_some() == b"123"
    with pytest.raises(trio.BrokenResourceError):
        await near.send_all(b"4567")
    assert await far.receive_some() == b"45"
    assert await far.receive_some() == b""


async def test_a_reset_breaks_both_ends_at_once(autojump_clock):
    """After a reset, sending and receiving fail on both ends, also for those who wait."""
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


@given(
    pieces=st.lists(st.binary(max_size=3000), max_size=5), link=links(), limit=st.integers(1, 9000)
)
@on_virtual_time
async def test_whatever_the_link_bytes_arrive_whole_and_not_too_soon(pieces, link, limit):
    """Over any link bytes arrive in order, and take as long as the link says, or longer where the
    bound makes them wait.
    """
    near, far = bounded_stream_pair(limit, link=link)
    received = bytearray()
    async with trio.open_nursery() as nursery:

        async def send():
            for piece in pieces:
                await near.send_all(piece)
            await near.send_eof()

        nursery.start_soon(send)
        while data := await far.receive_some():
            received += data
            assert not link.piece_bytes or len(data) <= max(link.piece_bytes)
    assert bytes(received) == b"".join(pieces)
    took = len(received) / link.bytes_per_second + link.latency_seconds
    assert trio.current_time() >= took - 1e-6


async def test_bytes_come_a_latency_later_and_at_the_pace_of_the_line(autojump_clock):
    """The first byte takes the latency and its own time, and the end comes after the last byte."""
    near, far = bounded_stream_pair(link=Link(latency_seconds=0.5, bytes_per_second=1460))
    await near.send_all(bytes(2920))
    await near.send_eof()
    seen = []
    while data := await far.receive_some():
        seen.append((trio.current_time(), len(data)))
    assert seen == [(1.5, 1460), (2.5, 1460)]
    assert trio.current_time() == 2.5


async def test_a_cut_ends_the_connection_within_a_message():
    """No byte after the cut arrives, and both ends see the end of the connection."""
    near, far = bounded_stream_pair()
    near.cut_after(3)
    with pytest.raises(trio.BrokenResourceError):
        await near.send_all(b"12345")
    assert await far.receive_some() == b"123"
    assert await far.receive_some() == b""
    with pytest.raises(trio.BrokenResourceError):
        await far.send_all(b"1")


async def test_one_half_may_be_closed(autojump_clock):
    """After one end has sent its last byte, the other one may still send."""
    near, far = bounded_stream_pair(link=Link(latency_seconds=1))
    await near.send_eof()
    assert await far.receive_some() == b""
    assert trio.current_time() == 1
    await far.send_all(b"still here")
    assert await near.receive_some() == b"still here"
    with pytest.raises(trio.ClosedResourceError):
        await near.send_all(b"1")


@pytest.mark.parametrize(
    "wrong",
    [{"latency_seconds": -1}, {"bytes_per_second": 0}, {"piece_bytes": (0,)}],
)
def test_an_impossible_link_is_refused(wrong):
    """A link has no negative latency, and carries something."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Link(**wrong)
    near, _ = bounded_stream_pair()
    with pytest.raises(ValueError, match="count_bytes"):
        near.cut_after(0)

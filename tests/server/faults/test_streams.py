"""Faulty streams over whatever streams there are, and what they hold."""

from __future__ import annotations

import pytest
import trio
from trio.testing import memory_stream_pair

from tests.server.streams import Sliced
from tests.server.support import on_virtual_time
from trio_cartesia.server import Fault
from trio_cartesia.server.faults.shaping import LINE_BYTES
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.testing import bounded_stream_pair


@on_virtual_time
async def test_without_faults_a_stream_is_what_it_was() -> None:
    """Everything passes through, in both directions, and closing closes."""
    ours, theirs = memory_stream_pair()
    stream = FaultyStream(theirs)
    assert FaultyStream.wrap(stream) is stream
    stream.arm([Fault(name="close")])  # which is none of a stream's
    assert not stream.is_armed
    await stream.wait_send_all_might_not_block()
    await stream.send_all(b"to you")
    await stream.begin(is_body=True)
    await ours.send_all(b"to me")
    assert (await ours.receive_some(), await stream.receive_some()) == (b"to you", b"to me")
    await stream.drain()
    assert not stream.has_ended
    await stream.aclose()
    assert await ours.receive_some() == b""


@pytest.mark.parametrize("name", ["reset", "fin"])
@on_virtual_time
async def test_a_stream_that_knows_no_better_is_closed(name: str) -> None:
    """Where a stream can neither be reset nor be closed by half, its peer sees the end all the
    same.
    """
    ours, theirs = memory_stream_pair()
    stream = FaultyStream(Sliced(theirs, [65536]))
    stream.arm([Fault(name=name, at_byte=3)])
    await stream.begin(is_body=False)
    with pytest.raises(trio.BrokenResourceError):
        await stream.send_all(b"whole")
    assert (await ours.receive_some(), await ours.receive_some()) == (b"who", b"")
    await stream.drain()
    assert stream.has_ended


@on_virtual_time
async def test_what_is_under_way_has_a_bound() -> None:
    """With latency, sending waits once a MiB is under way, and fails once the peer has gone."""
    ours, theirs = bounded_stream_pair()
    async with trio.open_nursery() as nursery:
        stream = FaultyStream(theirs, nursery)
        stream.arm([Fault(name="latency", seconds=1)])
        piece = bytes(LINE_BYTES // 8)
        for _ in range(8):
            await stream.send_all(piece)
        assert trio.current_time() == 0
        with trio.move_on_after(0.5) as scope:
            await stream.send_all(piece)
        assert scope.cancelled_caught
        nursery.start_soon(leave_later, ours)
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(piece)
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(piece)
        await stream.drain()
        assert trio.current_time() == pytest.approx(2)


async def leave_later(stream: trio.abc.Stream) -> None:
    await trio.sleep(1.5)
    await stream.aclose()


@on_virtual_time
async def test_latency_keeps_the_order_of_what_is_sent() -> None:
    """Each piece takes the latency, those after it do not wait for it, and the last one comes
    too.
    """
    ours, theirs = bounded_stream_pair()
    async with trio.open_nursery() as nursery:
        stream = FaultyStream(theirs, nursery)
        stream.arm([Fault(name="latency", seconds=2)])
        for number in range(5):
            await stream.send_all(bytes([number]))
            await trio.sleep(0.5)
        nursery.start_soon(stream.disarm)
        for number in range(5):
            assert await ours.receive_some(1) == bytes([number])
            assert trio.current_time() == pytest.approx(max(2.5, 2 + number / 2))
    assert not stream.is_armed


@on_virtual_time
async def test_what_came_in_a_stall_is_not_lost() -> None:
    """What is received while the stream stalls can still be read after it, also by somebody
    else.
    """
    ours, theirs = bounded_stream_pair()
    stream = FaultyStream(theirs)
    stream.arm([Fault(name="stall", at_byte=0, seconds=5)])
    await stream.begin(is_body=True)
    await ours.send_all(b"early")
    with trio.move_on_after(1) as scope:
        await stream.receive_some(100)
    assert scope.cancelled_caught
    assert await stream.receive_some(100) == b"early"
    assert trio.current_time() == pytest.approx(5)

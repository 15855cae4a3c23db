"""What the lane hands on and what it gives up, and the buffer where frames lie meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.runtime.transport.test_fast_path import frame
from trio_cartesia._runtime.transport.fast_path import (
    FLOOD_BYTES,
    FRAMES_IN_A_ROW,
    LARGEST_READ_BYTES,
    SMALLEST_BYTES,
    Buffer,
    FastLane,
    Verdict,
)
from trio_cartesia._runtime.transport.tapped_stream import Wire
from trio_cartesia.testing import on_virtual_time

LARGEST_BYTES = 300_000  # of a message, here


class Listener:
    """A sink that keeps what it is given, and says to each frame what it was told to say."""

    def __init__(self, verdicts: Iterable[Verdict] = ()) -> None:
        self.frames: list[bytes] = []
        self.floods: list[bool] = []
        self.settled = self.waited = 0
        self._verdicts = iter(verdicts)

    def begin_turn(self, *, is_flood: bool) -> None:
        self.floods.append(is_flood)

    def settle(self) -> None:
        self.settled += 1

    def take_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> Verdict:
        assert data[start:stop] == view[start:stop]
        verdict = next(self._verdicts, Verdict.TAKEN)
        if verdict is not Verdict.REFUSED:
            self.frames.append(bytes(view[start:stop]))
        return verdict

    async def wait_room(self) -> None:
        self.waited += 1
        await trio.lowlevel.checkpoint()


class Source:
    """A stream that has *data* for its reader, in pieces of *sizes* over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.rooms: list[int] = []
        self.rest, self._sizes = data, sizes

    async def receive_into(self, room: memoryview) -> int:
        assert room, "no bytes would mean the end"
        await trio.lowlevel.checkpoint()
        size = min(self._sizes[len(self.rooms) % len(self._sizes)], len(room))
        self.rooms.append(len(room))
        piece, self.rest = self.rest[:size], self.rest[size:]
        room[: len(piece)] = piece
        return len(piece)


async def passed_by(lane: FastLane) -> list[bytes]:
    """What the lane leaves to the authority until it closes."""
    passed = []
    while lane.is_open:
        passed.append(await lane.receive_some())
    return passed


SIZES = st.one_of(
    st.integers(0, 130),
    st.sampled_from([65_533, 65_534, 65_535, 65_536, 65_537, 2**17, LARGEST_BYTES]),
)
TEXTS = st.tuples(SIZES, st.binary(min_size=3, max_size=9)).map(
    lambda pair: (pair[1] * (pair[0] // len(pair[1]) + 1))[: pair[0]]
)
CONTROLS = st.tuples(st.binary(max_size=125), st.sampled_from([0x89, 0x8A]))


@given(
    items=st.lists(TEXTS | CONTROLS, max_size=6),
    sizes=st.lists(st.sampled_from([1, 7, 100, 5_000, 2**22]), min_size=1, max_size=3),
    fed=st.sampled_from([0, 0, 1, 3, 70_000]),
)
@example(items=[b"", b"x", b"y" * 65_535, b"z" * 65_536], sizes=[2**22], fed=0)
@example(items=[bytes(125), (bytes(125), 0x89), bytes(126)], sizes=[1], fed=0)
@example(items=[bytes(125), (bytes(125), 0x89), bytes(200)], sizes=[130], fed=0)
@example(items=[bytes(LARGEST_BYTES)], sizes=[2**22], fed=0)
@example(items=[b"x" * 126], sizes=[2**22], fed=3)
@example(items=[b"x" * 65_536], sizes=[2**22], fed=5)
@example(items=[b"x" * 65_536], sizes=[2**22], fed=9)
@on_virtual_time
async def test_every_text_frame_is_taken_and_every_ping_passes(items, sizes, fed):
    """
    However frames are sliced, text reaches the sink whole and in order, and what is passed on is
    pings and pongs, one at a time; the lane stays open until the stream ends.
    """
    data = b"".join(frame(item) if isinstance(item, bytes) else frame(*item) for item in items)
    if len(data) > 20_000:
        sizes = [max(size, 5_000) for size in sizes]
    source, listener = Source(data[fed:], sizes), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    lane.feed(data[: fed // 2])
    lane.feed(data[fed // 2 : fed])
    passed = await passed_by(lane)
    assert listener.frames == [item for item in items if isinstance(item, bytes)]
    assert passed == [*(frame(*item) for item in items if isinstance(item, tuple)), b""]
    assert not any(listener.floods)


ODD = {
    "a binary frame": frame(b"abc", 0x82),
    "a fragment": frame(b"abc", 0x01),
    "a reserved bit": frame(b"abc", 0xC1),
    "a close": frame(b"\x03\xe8", 0x88),
    "a masked frame": frame(b"abc", masked=True),
    "a masked frame without content": frame(b"", masked=True),
    "a masked frame of medium length": frame(bytes(126), masked=True),
    "a short length in two bytes": frame(bytes(125), widen=2),
    "a length of nothing in two bytes": frame(b"", widen=2),
    "a medium length in eight bytes": frame(bytes(65_535), widen=8),
    "a length of nothing in eight bytes": frame(b"", widen=8),
    "more than a message may have": frame(bytes(LARGEST_BYTES + 1)),
    "more than 2**56 bytes": b"\x81\x7f" + (2**56 + 70_000).to_bytes(8) + bytes(70_000),
    "a ping of 126 bytes": frame(bytes(124) + frame(b""), 0x89),
    "a pong of 65,536 bytes": frame(bytes(65_536), 0x8A),
    "a masked ping": frame(b"abc", 0x89, masked=True),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("read_bytes", [1, 2, 2**22])
@on_virtual_time
async def test_it_closes_at_the_first_odd_frame(odd, read_bytes):
    """
    From the first frame that is anything else on, every byte is left to the authority.
    """
    data = ODD[odd] + frame(b"after")
    before = frame(b"before")
    source, listener = Source(data, [read_bytes]), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    lane.feed(before)
    passed = b"".join(await passed_by(lane))
    assert listener.frames == [b"before"]
    assert passed + source.rest == data
    assert passed


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 8, 9, 10, 1000])
@on_virtual_time
async def test_half_a_frame_at_the_end_is_for_the_authority(cut):
    """
    Where the stream ends in the middle of a frame, what had come of it is passed on, once.
    """
    whole = frame(bytes(70_000))
    source, listener = Source(frame(b"abc") + whole[:cut], [2**22]), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    assert await passed_by(lane) == [whole[:cut]]
    assert listener.frames == [b"abc"]


@on_virtual_time
async def test_a_sink_that_stalls_is_waited_for_and_one_that_refuses_ends_it():
    """
    After a frame that stalls the sink nothing is taken until it has room; a frame that it refuses,
    and all behind it, is the authority's.
    """
    frames = [frame(bytes([number])) for number in range(6)]
    verdicts = [
        Verdict.TAKEN, Verdict.STALLED, Verdict.TAKEN, Verdict.STALLED, Verdict.REFUSED
    ]  # fmt: skip
    source, listener = Source(b"".join(frames), [2**22]), Listener(verdicts)
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    assert await lane.receive_some() == b"".join(frames[4:])
    assert not lane.is_open
    assert listener.frames == [bytes([number]) for number in range(4)]
    assert listener.waited == 2


@on_virtual_time
async def test_others_have_their_turn_in_a_flood():
    """
    After so many frames in a row everybody else runs, though more has come already.
    """
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    source, listener = Source(frame(b"") * (20 * FRAMES_IN_A_ROW), [2**22]), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        await passed_by(lane)
        nursery.cancel_scope.cancel()
    assert turns >= 20


@pytest.mark.parametrize("tells", [True, False])
@on_virtual_time
async def test_a_flood_is_a_large_read_of_a_stream_that_tells_before_it_waits(tells):
    """
    Frames of a read of `FLOOD_BYTES` are said to be a flood, those of less are not; and what is
    passed on, or the end, settles it.
    """
    for size, expected in ((FLOOD_BYTES - 1, False), (FLOOD_BYTES, True)):
        source = Source(frame(bytes(size - 10)) + frame(b"?", 0x89), [size, 2**20])
        listener = Listener()
        lane = FastLane(source.receive_into, listener, LARGEST_BYTES, tells)
        lane._buffer.room(2**20)
        assert await lane.receive_some() == frame(b"?", 0x89)
        assert any(listener.floods) is (expected and tells)
        settled = listener.settled
        assert settled >= 1
        await passed_by(lane)
        assert listener.settled > settled


@on_virtual_time
async def test_the_buffer_grows_while_reads_fill_it_and_no_further():
    """
    Reads that fill the buffer double it, up to a bound; a quiet connection's stays small.
    """
    source, listener = Source(frame(bytes(1000)) * 20_000, [2**30]), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    await passed_by(lane)
    assert len(lane._buffer.data) == LARGEST_READ_BYTES
    assert len(source.rooms) < 30

    source, listener = Source(frame(bytes(1000)) * 200, [1004]), Listener()
    lane = FastLane(source.receive_into, listener, LARGEST_BYTES)
    await passed_by(lane)
    assert len(lane._buffer.data) == SMALLEST_BYTES
    assert len(source.rooms) == 201


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([2, 1000, SMALLEST_BYTES, SMALLEST_BYTES + 1, 100_000, 300_000]),
            st.integers(0, 2**16),
            st.integers(0, 2**16),
        ),
        max_size=20,
    )
)
@example(steps=[(SMALLEST_BYTES + 1, 2**16, 0)])
def test_a_buffer_is_a_queue_of_bytes(steps):
    """
    Bytes that were written into its room come out once and in order, and there is as much room as
    was asked for; it holds at most twice what it has to.
    """
    buffer, expected, written = Buffer(), bytearray(), 0
    most = SMALLEST_BYTES
    for need, came, left in steps:
        room = buffer.room(need)
        waiting = buffer.end - buffer.start
        assert len(room) + waiting >= need
        assert room
        most = max(most, 2 * need)
        count = min(came, len(room))
        piece = bytes((written + index) % 251 for index in range(count))
        room[:count] = piece
        buffer.end += count
        written += count
        expected += piece
        size = min(left, len(expected))
        assert buffer.take(size) == expected[:size]
        del expected[:size]
    assert buffer.take(len(expected)) == expected
    assert len(buffer.data) <= most


@on_virtual_time
async def test_a_stream_that_gives_all_it_has_is_asked_for_no_more_than_fits():
    """
    A stream of somebody's own, which returns as much as it is asked for, is read in pieces that
    there is room for.
    """

    class Greedy(trio.abc.Stream):
        rest = frame(bytes(1000)) * 1500

        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            data, self.rest = self.rest[:max_bytes], self.rest[len(self.rest[:max_bytes]) :]
            return data

        async def send_all(self, data: bytes) -> None:
            raise AssertionError(f"{len(data)} bytes are sent")

        async def wait_send_all_might_not_block(self) -> None:
            raise AssertionError("nothing is sent")

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    wire, listener = Wire(Greedy(), None), Listener()
    wire.handshake_is_over()
    wire.open_lane(listener, LARGEST_BYTES)
    assert await wire.receive_some() == b""
    assert listener.frames == [bytes(1000)] * 1500
    assert not any(listener.floods)  # it does not tell before it waits
    assert wire.has_ended

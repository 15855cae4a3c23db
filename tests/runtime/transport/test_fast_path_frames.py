"""The frames that the fast path delivers, and those that it leaves to trio-websocket."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.runtime.transport.test_fast_path import frame
from trio_cartesia._runtime.transport.fast_path import FRAMES_IN_A_ROW, MOVED_BYTES, FastPath
from trio_cartesia._runtime.transport.interface import Outcome
from trio_cartesia._runtime.transport.read_buffer import READ_BYTES
from trio_cartesia.testing import on_virtual_time

LARGEST_BYTES = 3_000_000  # of a message, here


class Listener:
    """A handler that keeps what it is given, and answers each frame with the next outcome."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self.frames: list[bytes] = []
        self._outcomes = iter(outcomes)

    def handle_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> Outcome:
        assert data[start:stop] == view[start:stop]
        outcome = next(self._outcomes, Outcome.DELIVERED)
        if outcome is not Outcome.UNHANDLED:
            self.frames.append(bytes(view[start:stop]))
        return outcome


class Source:
    """A stream that has *data* for its reader, in pieces of *sizes* over and over."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.reads = 0
        self.rest, self._sizes = data, sizes

    async def receive_into(self, buffer: memoryview) -> int:
        assert buffer, "no bytes would mean the end"
        await trio.lowlevel.checkpoint()
        size = min(self._sizes[self.reads % len(self._sizes)], len(buffer))
        self.reads += 1
        piece, self.rest = self.rest[:size], self.rest[size:]
        buffer[: len(piece)] = piece
        return len(piece)


async def passed_by(path: FastPath, listener: Listener) -> list[bytes]:
    """What the path leaves to trio-websocket until it closes."""
    passed = []
    while path.is_open:
        if path.has_frame:
            piece = path.deliver(listener)
        else:
            piece = await path.receive(listener)
        if piece or not path.is_open:
            passed.append(piece)
    return passed


SIZES = st.one_of(
    st.integers(0, 130),
    st.sampled_from([65_533, 65_534, 65_535, 65_536, 65_537, 2**17]),
    st.sampled_from([MOVED_BYTES, READ_BYTES, LARGEST_BYTES]),
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
@example(items=[bytes(LARGEST_BYTES), b"x", bytes(READ_BYTES)], sizes=[2**22], fed=0)
@example(items=[bytes(READ_BYTES), bytes(MOVED_BYTES)], sizes=[MOVED_BYTES + 1], fed=0)
@example(items=[b"x" * 126], sizes=[2**22], fed=3)
@example(items=[b"x" * 65_536], sizes=[2**22], fed=5)
@example(items=[b"x" * 65_536], sizes=[2**22], fed=9)
@on_virtual_time
async def test_every_text_frame_is_delivered_and_every_ping_passed_on(items, sizes, fed):
    """However frames are sliced, text reaches the handler whole and in order, and only pings and
    pongs are passed on, one at a time; the path stays open until the stream ends.
    """
    data = b"".join(frame(item) if isinstance(item, bytes) else frame(*item) for item in items)
    if len(data) > 20_000:
        sizes = [max(size, 5_000) for size in sizes]
    source, listener = Source(data[fed:], sizes), Listener()
    path = FastPath(source.receive_into, LARGEST_BYTES)
    path.feed(data[: fed // 2])
    path.feed(data[fed // 2 : fed])
    passed = await passed_by(path, listener)
    assert listener.frames == [item for item in items if isinstance(item, bytes)]
    assert passed == [*(frame(*item) for item in items if isinstance(item, tuple)), b""]


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
async def test_the_fast_path_closes_at_the_first_other_frame(odd, read_bytes):
    """From the first frame of another kind on, trio-websocket reads every byte."""
    if len(ODD[odd]) > 10**6 and read_bytes < 10:
        read_bytes *= 10_000
    data = ODD[odd] + frame(b"after")
    source, listener = Source(data, [read_bytes]), Listener()
    path = FastPath(source.receive_into, LARGEST_BYTES)
    path.feed(frame(b"before"))
    passed = b"".join(await passed_by(path, listener))
    assert listener.frames == [b"before"]
    assert passed + source.rest == data
    assert passed


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 8, 9, 10, 1000])
@on_virtual_time
async def test_half_a_frame_at_the_end_is_passed_on(cut):
    """Where the stream ends in the middle of a frame, the half of it is passed on, once."""
    whole = frame(bytes(70_000))
    source, listener = Source(frame(b"abc") + whole[:cut], [2**22]), Listener()
    path = FastPath(source.receive_into, LARGEST_BYTES)
    assert await passed_by(path, listener) == [whole[:cut]]
    assert listener.frames == [b"abc"]


@on_virtual_time
async def test_a_handler_may_block_or_leave_a_frame_unhandled():
    """After a frame that blocks, nothing more is delivered in that turn; a frame that the handler
    leaves, and all behind it, is passed on.
    """
    frames = [frame(bytes([number])) for number in range(6)]
    outcomes = [
        *(Outcome.DELIVERED, Outcome.BLOCKED, Outcome.DELIVERED, Outcome.BLOCKED),
        Outcome.UNHANDLED,
    ]
    source, listener = Source(b"".join(frames), [2**22]), Listener(outcomes)
    path = FastPath(source.receive_into, LARGEST_BYTES)
    assert await path.receive(listener) == b""
    assert len(listener.frames) == 2
    assert path.has_frame
    assert path.deliver(listener) == b""
    assert len(listener.frames) == 4
    assert path.deliver(listener) == b"".join(frames[4:])
    assert not path.is_open
    assert listener.frames == [bytes([number]) for number in range(4)]


@on_virtual_time
async def test_the_work_of_a_turn_is_bounded():
    """At most `FRAMES_IN_A_ROW` frames are delivered in one turn, though more have arrived."""
    source, listener = Source(frame(b"") * (3 * FRAMES_IN_A_ROW), [2**22]), Listener()
    path = FastPath(source.receive_into, LARGEST_BYTES)
    await path.receive(listener)
    for turns in (1, 2):
        assert len(listener.frames) == turns * FRAMES_IN_A_ROW
        assert path.has_frame
        path.deliver(listener)
    assert not path.has_frame


@pytest.mark.slow
@given(
    sizes=st.lists(st.sampled_from([0, 100, 70_000, READ_BYTES, 2_500_000]), max_size=5),
    cut=st.integers(0, 200_000),
    read_bytes=st.sampled_from([10_000, 2**22]),
)
@on_virtual_time
async def test_only_an_incomplete_frame_is_kept(sizes, cut, read_bytes):
    """After large messages, a waiting fast path keeps only the bytes of an incomplete frame."""
    whole = b"".join(frame(bytes(size)) for size in sizes)
    half = frame(bytes(300_000))[:cut]
    source, listener = Source(whole + half, [read_bytes]), Listener()
    path = FastPath(source.receive_into, LARGEST_BYTES)
    while source.rest or path.has_frame:
        if path.has_frame:
            path.deliver(listener)
        else:
            await path.receive(listener)
    assert len(listener.frames) == len(sizes)
    assert bytes(path._rest) == half
    assert path._rest.__sizeof__() <= 2 * len(half) + 1000

"""What is counted before trio-websocket gets it, and in which doses it does."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia._runtime.transport import frame_limiter as guard_module
from trio_cartesia._runtime.transport.frame_limiter import FRAMES_IN_A_ROW, FrameLimiter
from trio_cartesia._runtime.transport.tapped_stream import TappedStream
from trio_cartesia.testing import bounded_stream_pair, on_virtual_time

TEXT, CONTINUED, BINARY, PING = 0x01, 0x00, 0x02, 0x89
LAST = 0x80
MOST = 200
SIZES = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000]


def frame(first: int, size: int) -> bytes:
    """A frame whose payload would be taken for headers of others, if one looked at it."""
    if size < 126:
        header = bytes([first, size])
    elif size < 65_536:
        header = bytes([first, 126]) + struct.pack("!H", size)
    else:
        header = bytes([first, 127]) + struct.pack("!Q", size)
    return header + b"\x01" * size


def doses(guard: FrameLimiter, data: bytes) -> list[bytes]:
    """Give *data* to *guard* at once; return what it gives back."""
    guard.feed(data)
    taken = []
    while not guard.is_empty:
        taken.append(bytes(guard.take()))
    return taken


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", [TEXT | LAST, BINARY, PING])
def test_the_number_of_frames_per_turn_is_bounded(first, size):
    """Frames that arrive together are delivered in groups of a fixed number, regardless of their
    size.
    """
    if first == PING and size > 125:
        return
    one = frame(first, size)
    count = FRAMES_IN_A_ROW + 3
    whole, rest = doses(FrameLimiter(), one * count)
    assert len(whole) + len(rest) == len(one) * count
    assert len(whole) == FRAMES_IN_A_ROW * len(one) - size  # its last payload comes with the next


@settings(max_examples=30)
@given(
    frames=st.lists(
        st.builds(
            frame,
            st.sampled_from([TEXT, CONTINUED, LAST, BINARY | LAST, PING]),
            st.integers(0, 130),
        ),
        max_size=20,
    ),
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=20),
)
def test_every_byte_is_handed_on_once_and_in_order(frames, cuts):
    """However frames are cut up, what is taken out is what was put in."""
    data, guard, taken, turn = b"".join(frames), FrameLimiter(), b"", 0
    rest = data
    while rest:
        size = cuts[turn % len(cuts)]
        taken += b"".join(doses(guard, rest[:size]))
        rest, turn = rest[size:], turn + 1
    assert taken == data
    assert not guard.has_overrun


@pytest.mark.parametrize("size", [0, 1, 126, 1000, 65_536])
@pytest.mark.parametrize("beside", [b"", frame(PING, 3)])
def test_a_message_has_at_most_so_many_frames(monkeypatch, size, beside):
    """A message may come in as many frames as the bound says, with pings between them, and not in
    one more; a message after it has as many of its own.
    """
    monkeypatch.setattr(guard_module, "MAX_FRAGMENTS", MOST)
    guard = FrameLimiter()
    for begin in (TEXT, BINARY):
        doses(guard, frame(begin, size))
        for _ in range(MOST - 1):
            doses(guard, frame(CONTINUED, size) + beside)
        assert not guard.has_overrun
    doses(guard, frame(LAST, size))
    assert guard.has_overrun


def test_a_frame_has_at_most_so_many_reads(monkeypatch):
    """Each read that a frame's payload comes in counts as a frame does; its header counts once."""
    monkeypatch.setattr(guard_module, "MAX_FRAGMENTS", MOST)
    guard, data = FrameLimiter(), frame(TEXT, 2 * MOST)
    for byte in data[: 4 + MOST - 1]:
        doses(guard, bytes([byte]))
    assert not guard.has_overrun
    doses(guard, b"\x01")
    assert guard.has_overrun


@on_virtual_time
async def test_reading_after_the_end_returns_the_end_again():
    """A read after the end of a stream returns the end again, without reading from the stream."""
    near, far = bounded_stream_pair()
    wire = TappedStream(near, None)
    await far.send_all(frame(TEXT | LAST, 3))
    await far.send_eof()
    assert await wire.receive_some(100) == frame(TEXT | LAST, 3)
    for _ in range(3):
        assert await wire.receive_some(100) == b""
        await near.aclose()

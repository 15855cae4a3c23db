"""
Whole text frames, from the stream straight to the reader.

trio-websocket stays the authority: it gets the handshake, pings, pongs, closes and everything odd.
What it does not get is the one thing that nearly all bytes are, a text message in one unmasked
frame; its own way with those costs more than all our work together. At the first data frame that
is anything else the lane closes for good, so that no two messages can change places.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum
from itertools import repeat
from typing import Final, Protocol

import attrs
import trio

__all__ = ["FastLane", "Sink", "Verdict"]

SMALLEST_BYTES: Final = 64 * 2**10  # of the buffer that is read into
LARGEST_READ_BYTES: Final = (
    2 * 2**20
)  # what it grows to while reads fill it, or a whole frame needs
SPARE_BYTES: Final = (
    32 * 2**10
)  # where less room is left behind what waits, that moves to the front

FRAMES_IN_A_ROW: Final = 256  # delivered before other tasks have their turn
FLOOD_BYTES: Final = 192 * 2**10  # of one read: more will be there at once, nearly always

_TEXT: Final = 0x81  # a text frame, the last of its message (RFC 6455 §5.2)
_PING_PONG: Final = (0x89, 0x8A)
_SHORT, _MEDIUM, _LONG = 125, 126, 127


class Verdict(IntEnum):
    """What the reader says to a frame."""

    TAKEN = 0
    STALLED = 1  # taken, but it takes no more for now
    REFUSED = 2  # not taken: the authority shall have it


class Sink(Protocol):
    """Where frames go."""

    def begin_turn(self, *, is_flood: bool) -> None:
        """Hear that frames follow; a flood goes on until `settle`."""

    def settle(self) -> None:
        """Hear that nothing more is there for now: the stream is about to wait."""

    def take_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> Verdict:
        """Take the payload that is at *start* to *stop* of *data*, at once; keep no reference."""

    async def wait_room(self) -> None:
        """Return once there is room again, after `Verdict.STALLED`."""


class Buffer:
    """Bytes *start* to *end* of *data* wait; they are parsed where they lie."""

    __slots__ = ("data", "end", "start", "view")

    def __init__(self) -> None:
        self.data = bytearray(SMALLEST_BYTES)
        self.view = memoryview(self.data)
        self.start = self.end = 0

    def room(self, need: int) -> memoryview:
        """Return where to read into, with room for *need* bytes from what waits on."""
        waiting = self.end - self.start
        if need > len(self.data):
            grown = bytearray(1 << (need - 1).bit_length())
            grown[:waiting] = self.view[self.start : self.end]
            self.data, self.view = grown, memoryview(grown)
            self.start, self.end = 0, waiting
        elif (
            not waiting
            or self.start + need > len(self.data)
            or len(self.data) - self.end < SPARE_BYTES
        ):
            self.data[:waiting] = self.view[self.start : self.end]
            self.start, self.end = 0, waiting
        return self.view[self.end :]

    def take(self, size: int) -> bytes:
        """Take bytes out, as a copy."""
        self.start += size
        return bytes(self.view[self.start - size : self.start])


@attrs.define(eq=False)
class FastLane:
    """
    The lane of one connection. One task reads.

    Attributes:
        is_open: False once it has closed for good; what `receive_some` returns is the rest then.
    """

    _receive_into: Callable[[memoryview], Awaitable[int]]
    _sink: Sink
    _largest_bytes: int
    _tells_before_waiting: bool = False  # whether the stream calls `Sink.settle`
    is_open: bool = attrs.field(default=True, init=False)
    _buffer: Buffer = attrs.field(factory=Buffer, init=False)
    _need: int = attrs.field(default=2, init=False)  # bytes until there is something to do
    _is_stalled: bool = attrs.field(default=False, init=False)
    _is_flood: bool = attrs.field(default=False, init=False)

    def feed(self, data: bytes | bytearray) -> None:
        """Take bytes that were read elsewhere."""
        buffer = self._buffer
        buffer.room(buffer.end - buffer.start + len(data))[: len(data)] = data
        buffer.end += len(data)

    async def receive_some(self) -> bytes:
        """
        Deliver what is whole, until something comes that is not for the lane, and return that.

        Nothing means the end. If cancelled, what was delivered was delivered, and no byte is lost.
        """
        buffer = self._buffer
        await trio.lowlevel.checkpoint()  # there may be thousands of pings in the buffer
        while True:
            if passed := self._deliver():
                self._sink.settle()  # what becomes of it may take a while
                return passed
            if self._is_stalled:
                await self._sink.wait_room()
                self._is_stalled = False
            elif buffer.end - buffer.start >= self._need:  # it was enough for one turn
                await trio.lowlevel.checkpoint()
            elif not await self._fill():
                self.is_open = False  # the authority shall judge half a frame
                self._sink.settle()
                return buffer.take(buffer.end - buffer.start)

    async def _fill(self) -> int:
        buffer = self._buffer
        room = buffer.room(self._need)
        count = await self._receive_into(room)
        buffer.end += count
        self._is_flood = self._tells_before_waiting and count >= FLOOD_BYTES
        size = len(buffer.data)
        if count == len(room) and size < LARGEST_READ_BYTES:  # there was more to be read
            buffer.room(2 * size)
        return count

    def _deliver(self) -> bytes:
        """Deliver whole text frames; return what is not one."""
        buffer, take, largest = self._buffer, self._sink.take_frame, self._largest_bytes
        data, view, end = buffer.data, buffer.view, buffer.end
        self._need = 2
        self._sink.begin_turn(is_flood=self._is_flood)
        for _ in repeat(None, FRAMES_IN_A_ROW):
            if end - (start := buffer.start) < 2:
                break
            if data[start] != _TEXT:
                return self._pass_control()
            length = data[start + 1]
            payload = start + 2
            if length == _MEDIUM:
                payload += 2
                length = int.from_bytes(data[start + 2 : payload]) if payload <= end else -1
                is_odd = 0 <= length < _MEDIUM
            elif length == _LONG:
                payload += 8
                length = int.from_bytes(data[start + 2 : payload]) if payload <= end else -1
                is_odd = 0 <= length < 2**16 or length > largest
            else:
                is_odd = length > _LONG  # masked, which a server must not do
            if is_odd:
                return self._close()
            stop = payload + length
            if length < 0 or stop > end:
                self._need = max(payload, stop) - start
                break
            verdict = take(data, view, payload, stop)
            if verdict:
                if verdict is Verdict.REFUSED:
                    return self._close()
                self._is_stalled = True
                buffer.start = stop
                break
            buffer.start = stop
        return b""

    def _pass_control(self) -> bytes:
        """Return a whole ping or pong, nothing where it is not whole yet, or else all there is."""
        buffer = self._buffer
        size = 2 + buffer.data[buffer.start + 1]
        if buffer.data[buffer.start] not in _PING_PONG or size > 2 + _SHORT:
            return self._close()
        if buffer.end - buffer.start >= size:
            return buffer.take(size)
        self._need = size
        return b""

    def _close(self) -> bytes:
        self.is_open = False
        return self._buffer.take(self._buffer.end - self._buffer.start)

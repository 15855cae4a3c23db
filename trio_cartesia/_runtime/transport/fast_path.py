"""Whole text frames, from the stream straight to a handler.

trio-websocket gets the handshake, pings, pongs, closes and everything odd. What it does not get is
the one thing that nearly all bytes are: a text message in one unmasked frame. Its own way with
those costs more than all our work together. At the first data frame that is anything else the
path closes for good, so that no two messages can change places.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import repeat
from typing import Final

import attrs

from trio_cartesia._runtime.transport.interface import FrameHandler, Outcome
from trio_cartesia._runtime.transport.read_buffer import READ_BYTES, read_buffer

__all__ = ["FRAMES_IN_A_ROW", "FastPath"]

FRAMES_IN_A_ROW: Final = 256  # delivered before other tasks have their turn
MOVED_BYTES: Final = 64 * 2**10  # of incomplete frames, at most, that are moved with each read

_TEXT: Final = 0x81  # a text frame, the last of its message (RFC 6455 §5.2)
_PING_PONG: Final = (0x89, 0x8A)
_SHORT, _MEDIUM, _LONG = 125, 126, 127
_UNHANDLED: Final = Outcome.UNHANDLED


@attrs.define(eq=False)
class FastPath:
    """The frames of one connection. One task reads.

    Bytes are parsed in the thread's `read_buffer`, where they were read; only those that are not
    delivered in the same turn are copied, and kept until they are.

    Attributes:
        is_open: False once it has closed for good; what `deliver` returns is the rest then.
    """

    _receive_into: Callable[[memoryview], Awaitable[int]]
    _largest_bytes: int
    is_open: bool = attrs.field(default=True, init=False)
    _rest: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _need: int = attrs.field(default=2, init=False)  # bytes until there is something to do

    @property
    def has_frame(self) -> bool:
        """True while there is something to deliver before the next read."""
        return len(self._rest) >= self._need

    def feed(self, data: bytes | bytearray) -> None:
        """Take bytes that were read elsewhere."""
        self._rest += data

    async def receive(self, handler: FrameHandler) -> bytes:
        """Read once and deliver; return what is not for the handler, or nothing.

        If cancelled, no byte is lost.
        """
        rest = self._rest
        waiting = len(rest)
        # what waits is moved in front of what is read, unless that would be a copy a read of much
        is_moved = waiting <= MOVED_BYTES and self._need <= READ_BYTES
        offset = waiting if is_moved else 0
        buffer = read_buffer
        count = await self._receive_into(buffer.view[offset:])
        if not count:
            return self._close(rest, 0, waiting)  # trio-websocket judges half a frame
        if is_moved:
            buffer.data[:waiting] = rest
            self._rest = bytearray()
            return self._deliver(buffer.data, buffer.view, offset + count, handler)
        rest += buffer.view[:count]
        return self.deliver(handler) if self.has_frame else b""

    def deliver(self, handler: FrameHandler) -> bytes:
        """Deliver what is whole of the bytes that are kept; return as `receive` does."""
        rest, self._rest = self._rest, bytearray()
        return self._deliver(rest, memoryview(rest), len(rest), handler)

    def _deliver(self, data: bytearray, view: memoryview, end: int, handler: FrameHandler) -> bytes:
        """Deliver whole text frames; keep the rest, or return what is not one."""
        start, handle, largest = 0, handler.handle_frame, self._largest_bytes
        self._need = 2
        for _ in repeat(None, FRAMES_IN_A_ROW):
            if end - start < 2:
                break
            if data[start] != _TEXT:
                return self._pass_control(data, start, end)
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
                return self._close(data, start, end)
            stop = payload + length
            if length < 0 or stop > end:
                self._need = max(payload, stop) - start
                break
            outcome = handle(data, view, payload, stop)
            if outcome:
                if outcome == _UNHANDLED:
                    return self._close(data, start, end)
                start = stop
                break
            start = stop
        self._rest += view[start:end]
        return b""

    def _pass_control(self, data: bytearray, start: int, end: int) -> bytes:
        """Return a whole ping or pong, nothing where it is not whole yet, or else all there is."""
        size = 2 + data[start + 1]
        if data[start] not in _PING_PONG or size > 2 + _SHORT:
            return self._close(data, start, end)
        if end - start < size:
            self._need = size
            self._rest += data[start:end]
            return b""
        self._rest += data[start + size : end]
        return bytes(data[start : start + size])

    def _close(self, data: bytearray, start: int, end: int) -> bytes:
        self.is_open = False
        self._rest = bytearray()
        return bytes(data[start:end])

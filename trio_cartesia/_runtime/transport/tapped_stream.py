"""
The stream under trio-websocket.

All its bytes pass through here, so this is where they may be looked at: whole text frames can go
straight to the reader from here, with trio-websocket none the wiser.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio

from trio_cartesia._runtime.transport.fast_path import FastLane, Sink
from trio_cartesia._runtime.transport.frame_limiter import MAX_PIECES, Guard
from trio_cartesia._runtime.transport.handshake_headers import HandshakeHeaders
from trio_cartesia._runtime.transport.socket_stream import SocketReader

__all__ = ["HANDSHAKE_BYTES", "Wire"]

HANDSHAKE_BYTES: Final = 65_536  # of the answer to the handshake, its body included

_HEAD_END: Final = re.compile(rb"\n\r?\n")  # as h11 has it

_log: Final = logging.getLogger("trio_cartesia.transport")


@attrs.define(eq=False)
class Wire(trio.abc.Stream):
    """
    A stream that passes everything on, and makes up for two habits of trio-websocket.

    It waits for the answer to a handshake even when the connection has ended: so the scope of the
    handshake is cancelled from here. And once a write fails it drops what has come but was not
    read: so failed writes are noted here, and the reading goes on to its own end.

    Attributes:
        answer: What came during the handshake, as far as it is kept.
        has_ended: True once nothing more can come.
        is_deaf: True once the peer takes nothing more.
        complaint: Why the connection was ended from here, if it was.
    """

    _stream: trio.abc.Stream
    _handshake: trio.CancelScope | None
    _socket: SocketReader | None = None  # the stream, or what is below its TLS
    _headers: HandshakeHeaders | None = None  # for the first request
    answer: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    has_ended: bool = attrs.field(default=False, init=False)
    is_deaf: bool = attrs.field(default=False, init=False)
    complaint: str | None = attrs.field(default=None, init=False)
    _lane: FastLane | None = attrs.field(default=None, init=False)
    _has_passed_frames: bool = attrs.field(default=False, init=False)
    _sending: trio.StrictFIFOLock = attrs.field(factory=trio.StrictFIFOLock, init=False)
    _cork: bytearray | None = attrs.field(default=None, init=False, repr=False)
    _guard: Guard = attrs.field(factory=Guard, init=False)

    def handshake_is_over(self) -> None:
        """From here on, the connection's end is trio-websocket's to tell."""
        self._handshake = None
        head = _HEAD_END.search(self.answer)
        passed = self.answer[head.end() :] if head else b""
        self._has_passed_frames = bool(passed)
        self._guard.feed(passed)
        while not self._guard.is_empty:
            self._guard.take()
        self.answer.clear()

    def open_lane(self, sink: Sink, largest_bytes: int) -> None:
        """Hand whole text frames to *sink* from now on, unless frames have passed already."""
        if not self._has_passed_frames:
            tells = self._socket is not None
            self._lane = FastLane(self._receive_into, sink, largest_bytes, tells)
            if self._socket is not None:
                self._socket.before_wait = sink.settle

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what came and is for trio-websocket; nothing means the end."""
        if not self._guard.is_empty:
            await trio.lowlevel.checkpoint()
            return self._dose()
        if (lane := self._lane) is None:
            data = await self._receive(max_bytes)
            if (lane := self._opened_lane()) is None or not data:
                if self._handshake is not None:
                    return data
                self._has_passed_frames = True
                return self._guarded(data)
            lane.feed(data)
        if lane.is_open and (passed := await lane.receive_some()):
            return self._guarded(passed)
        return self._guarded(await self._receive(max_bytes))

    def _guarded(self, data: bytes | bytearray) -> bytes | bytearray:
        self._guard.feed(data)
        return self._dose()

    def _dose(self) -> bytes | bytearray:
        data = self._guard.take()
        if self._guard.has_overrun:
            self._end()
            self.complaint = f"the peer sent a message in more than {MAX_PIECES} pieces"
            raise trio.BrokenResourceError(self.complaint)
        return data

    def _opened_lane(self) -> FastLane | None:
        return self._lane  # a checker would not believe that it may have been opened meanwhile

    async def _receive_into(self, room: memoryview) -> int:
        """Read into *room*; returns how many bytes came."""
        if self._stream is self._socket:
            try:
                count = await self._socket.receive_into(room)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self._end()
                raise
            if not count:
                self._end()
            return count
        data = await self._receive(len(room))
        room[: len(data)] = data
        return len(data)

    async def _receive(self, max_bytes: int | None) -> bytes | bytearray:
        """Return what came; nothing means the end."""
        if self.has_ended:
            await trio.lowlevel.checkpoint()
            return b""
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end()
            raise
        except OSError as error:  # of a stream that a caller made
            self._end()
            raise trio.BrokenResourceError("the stream failed") from error
        if self._handshake is not None:
            self.answer += data
            if len(self.answer) > HANDSHAKE_BYTES:
                self._end()
                raise trio.BrokenResourceError("the answer to the handshake does not end")
        if not data:
            self._end()
        return data

    @contextmanager
    def corked(self) -> Iterator[bytearray]:
        """Put what is sent during the block into what this yields, for the caller to send."""
        self._cork = bytearray()
        try:
            yield self._cork
        finally:
            self._cork = None

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, or note that the peer takes nothing more."""
        if self._cork is not None:
            self._cork += data
            await trio.lowlevel.checkpoint_if_cancelled()
            return
        if self._headers is not None:
            data, self._headers = self._headers.added_to(data), None
        try:
            await self._send_in_turn(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            self.is_deaf = True

    async def _send_in_turn(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data* after what others send: a cork goes without trio-websocket's lock."""
        try:
            self._sending.acquire_nowait()  # acquire() would let others run each time
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            await self._stream.send_all(data)
        finally:
            self._sending.release()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        try:
            await self._stream.aclose()
        except (trio.BrokenResourceError, OSError) as error:
            _log.debug("closing the stream failed: %s", type(error).__name__)

    def _end(self) -> None:
        self.has_ended = True
        if self._handshake is not None:
            self._handshake.cancel("the peer ended the connection during the handshake")

"""The stream under trio-websocket, and where its bytes are tapped.

During the handshake trio-websocket reads the stream through here. Once the response was a 101, our
own reader does: text frames go to its handler, and every other frame to trio-websocket's task,
through a memory channel. After the first frame that the fast path is not for, trio-websocket reads
the stream again, for good.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

import attrs
import trio

from trio_cartesia._runtime.transport.fast_path import FastPath
from trio_cartesia._runtime.transport.frame_limiter import MAX_FRAGMENTS, FrameLimiter
from trio_cartesia._runtime.transport.handshake_headers import HandshakeHeaders
from trio_cartesia._runtime.transport.interface import FrameHandler
from trio_cartesia._runtime.transport.response_head import HANDSHAKE_BYTES, ResponseHead
from trio_cartesia._runtime.transport.socket_stream import SocketStream

__all__ = ["TappedStream"]

_log: Final = logging.getLogger("trio_cartesia.transport")


@attrs.define(eq=False)
class TappedStream(trio.abc.Stream):
    """A pass-through stream that works around some limitations of trio-websocket.

    It waits for the response to a handshake even when the connection has ended, so the scope of
    the handshake is cancelled from here. Once a write fails it drops what has arrived but was not
    read, so failed writes are noted here, and reading goes on to the stream's own end.

    Attributes:
        has_ended: True once nothing more can arrive.
        has_write_failed: True once the peer takes nothing more.
        complaint: Why the connection was ended from here, if it was.
    """

    _stream: trio.abc.Stream
    _handshake: trio.CancelScope | None
    _headers: HandshakeHeaders | None = None  # for the first request
    _largest_bytes: int = 2**24
    _uses_fast_path: bool = True
    has_ended: bool = attrs.field(default=False, init=False)
    has_write_failed: bool = attrs.field(default=False, init=False)
    complaint: str | None = attrs.field(default=None, init=False)
    _head: ResponseHead = attrs.field(factory=ResponseHead, init=False, repr=False)
    _path: FastPath | None = attrs.field(default=None, init=False)
    _to_websocket: trio.MemorySendChannel[bytes] = attrs.field(init=False, repr=False)
    _for_websocket: trio.MemoryReceiveChannel[bytes] = attrs.field(init=False, repr=False)
    _limiter: FrameLimiter = attrs.field(factory=FrameLimiter, init=False)
    _sending: trio.StrictFIFOLock = attrs.field(factory=trio.StrictFIFOLock, init=False)
    _unsent: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._to_websocket, self._for_websocket = trio.open_memory_channel(0)

    @property
    def response(self) -> bytes:
        """What arrived during the handshake, if that was refused."""
        return bytes(self._head.received)

    @property
    def has_fast_path(self) -> bool:
        """True while frames are to be received by `receive_frames`."""
        return self._path is not None

    def handshake_is_over(self) -> None:
        """From here on, the connection's end is reported by trio-websocket."""
        self._handshake = None
        self._head.received.clear()

    # -- our reader

    async def receive_frames(self, handler: FrameHandler) -> None:
        """Deliver text frames, in the same turn as they were read; pass anything else on.

        At most `FRAMES_IN_A_ROW` are delivered. If cancelled, no byte is lost.
        """
        path = self._path
        assert path is not None
        if path.has_frame:
            await trio.lowlevel.checkpoint()
            passed = path.deliver(handler)
        else:
            passed = await path.receive(handler)
        if not path.is_open:
            self._path = None
            self._to_websocket.close()
            self._limiter.feed(passed)
        elif passed:
            with suppress(trio.BrokenResourceError):  # trio-websocket has closed the stream
                await self._to_websocket.send(passed)

    # -- trio-websocket's task

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what is for trio-websocket; nothing means the end."""
        if not self._head.is_over:
            return await self._receive_response(max_bytes)
        if not self._limiter.is_empty:
            await trio.lowlevel.checkpoint()
        elif data := await self._receive_unhandled(max_bytes):
            self._limiter.feed(data)
        batch = self._limiter.take()
        if self._limiter.has_overrun:
            self._end()
            self.complaint = f"the peer sent a message in more than {MAX_FRAGMENTS} fragments"
            raise trio.BrokenResourceError(self.complaint)
        return batch

    async def _receive_unhandled(self, max_bytes: int | None) -> bytes | bytearray:
        """Receive frames that the fast path is not for; nothing where it left some."""
        with suppress(trio.EndOfChannel):
            return await self._for_websocket.receive()
        return b"" if not self._limiter.is_empty else await self._receive(max_bytes)

    async def _receive_response(self, max_bytes: int | None) -> bytes:
        """Receive the response to the handshake, without informational ones."""
        known = b""
        while not known and not self.has_ended:
            data = await self._receive(max_bytes)
            known = self._head.feed(data)
            if self._head.size > HANDSHAKE_BYTES:
                self._end()
                raise trio.BrokenResourceError("the response to the handshake does not end")
        if self._head.is_over:
            self._begin_frames(self._head.after)
        return known

    def _begin_frames(self, data: bytes) -> None:
        """Begin to read frames, of which *data* came with the response."""
        if self._uses_fast_path:
            self._path = FastPath(self._receive_into, self._largest_bytes)
            self._path.feed(data)
        else:
            self._to_websocket.close()
            self._limiter.feed(data)

    # -- the stream below

    async def _receive_into(self, buffer: memoryview) -> int:
        """Read into *buffer*; 0 means the end. No task runs between the read and the return."""
        try:
            if isinstance(self._stream, SocketStream):
                count = await self._stream.receive_into(buffer)
            else:
                data = await self._stream.receive_some(len(buffer))
                count = len(data)
                buffer[:count] = data
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            count = 0  # an OSError is of a stream that a caller made
        if not count:
            self._end()
        return count

    async def _receive(self, max_bytes: int | None) -> bytes | bytearray:
        """Receive; nothing means the end."""
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
        if not data:
            self._end()
        return data

    @property
    def can_send_nowait(self) -> bool:
        """True while `send_nowait` may be called: a socket, and nothing is on its way."""
        return (
            isinstance(self._stream, SocketStream)
            and not self._sending.locked()
            and not self._unsent
            and not self.has_write_failed
        )

    def send_nowait(self, data: bytes | bytearray) -> bool:
        """Send *data* without waiting; False if a rest of it is left for the next `send_all`."""
        assert isinstance(self._stream, SocketStream)
        self._unsent += data[self._stream.send_nowait(data) :]
        return not self._unsent

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, or note that the peer takes nothing more."""
        if self._headers is not None:
            data, self._headers = self._headers.added_to(data), None
        try:
            await self._send_in_turn(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            self.has_write_failed = True

    async def _send_in_turn(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data* after what others send: our messages go without trio-websocket's lock."""
        try:
            self._sending.acquire_nowait()  # acquire() would let others run each time
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            if self._unsent:
                data, self._unsent = self._unsent + data, bytearray()
            await self._stream.send_all(data)
        finally:
            self._sending.release()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        self._for_websocket.close()
        try:
            await self._stream.aclose()
        except (trio.BrokenResourceError, OSError) as error:
            _log.debug("closing the stream failed: %s", type(error).__name__)

    def _end(self) -> None:
        self.has_ended = True
        if self._handshake is not None:
            self._handshake.cancel("the peer ended the connection during the handshake")

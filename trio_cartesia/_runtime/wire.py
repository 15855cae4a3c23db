"""
The stream under trio-websocket.

All its bytes pass through here, so this is where they may be looked at: whole text frames can go
straight to the reader from here, with trio-websocket none the wiser.
"""

from __future__ import annotations

import attrs
import trio

__all__ = ["Wire"]


@attrs.define(eq=False)
class Wire(trio.abc.Stream):
    """
    A stream that passes everything on, and ends a handshake that the peer has given up.

    trio-websocket waits for the peer's answer even when the connection has ended, so the scope of
    the handshake is cancelled from here.

    Attributes:
        has_ended: True once nothing more can come.
    """

    _stream: trio.abc.Stream
    _handshake: trio.CancelScope | None
    has_ended: bool = attrs.field(default=False, init=False)

    def handshake_is_over(self) -> None:
        """From here on, the connection's end is trio-websocket's to tell."""
        self._handshake = None

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what came; nothing means the end."""
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end()
            raise
        if not data:
            self._end()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*."""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()

    def _end(self) -> None:
        self.has_ended = True
        if self._handshake is not None:
            self._handshake.cancel("the peer ended the connection during the handshake")

"""
The stream under trio-websocket.

All its bytes pass through here, so this is where they may be looked at: whole text frames can go
straight to the reader from here, with trio-websocket none the wiser.
"""

from __future__ import annotations

import logging
from typing import Final

import attrs
import trio

__all__ = ["HANDSHAKE_BYTES", "Wire"]

HANDSHAKE_BYTES: Final = 65_536  # of the answer to the handshake, its body included

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
    """

    _stream: trio.abc.Stream
    _handshake: trio.CancelScope | None
    answer: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    has_ended: bool = attrs.field(default=False, init=False)
    is_deaf: bool = attrs.field(default=False, init=False)

    def handshake_is_over(self) -> None:
        """From here on, the connection's end is trio-websocket's to tell."""
        self._handshake = None
        self.answer.clear()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what came; nothing means the end."""
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

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*, or note that the peer takes nothing more."""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            self.is_deaf = True

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

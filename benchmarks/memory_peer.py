"""
A peer in memory: it shakes hands, swallows what is sent, and says what it is told to say.

No socket and no other process is behind it, so all that is counted or timed is the client's.
"""

from __future__ import annotations

import base64
import hashlib
import re

import trio

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3

CLOSE = 0x88  # §5.2: the first byte of a frame that closes


class MemoryPeer(trio.abc.Stream):
    """The stream to the peer."""

    def __init__(self) -> None:
        self._incoming, self._is_closed = bytearray(), False
        self._news, self._has_met = trio.lowlevel.ParkingLot(), False

    def send(self, data: bytes) -> None:
        """Let the client read this next."""
        self._incoming += data
        self._news.unpark_all()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Swallow, and answer a handshake."""
        await trio.lowlevel.checkpoint()
        if not self._has_met:
            found = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)
            assert found is not None
            accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())  # noqa: S324
            self._has_met = True
            self.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what was said; wait where nothing was."""
        await trio.lowlevel.checkpoint()
        while not self._incoming and not self._is_closed:
            await self._news.park()
        data = bytes(self._incoming[: max_bytes or 2**16])
        del self._incoming[: len(data)]
        return data

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """End it."""
        self._is_closed = True
        self._news.unpark_all()
        await trio.lowlevel.checkpoint()


class PolitePeer(MemoryPeer):
    """A peer that leaves when it is told goodbye, so that nobody waits for its answer."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Swallow, or leave."""
        await super().send_all(data)
        if data[0] == CLOSE:
            await self.aclose()


async def open_silence(host: str, port: int) -> MemoryPeer:  # noqa: ARG001
    """Connect to a peer that says nothing."""
    await trio.lowlevel.checkpoint()
    return PolitePeer()

"""A peer in memory that accepts a handshake, discards input and sends what the benchmark gives it.

It has neither a socket nor a process, so that all that is counted or timed is the client's.
"""

from __future__ import annotations

import base64
import hashlib
import re

import trio

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
CLOSE = 0x88  # RFC 6455 §5.2: first byte of a close frame


class MemoryPeer(trio.abc.Stream):
    """The stream to the peer."""

    def __init__(self) -> None:
        self._incoming, self._is_closed = bytearray(), False
        self._readers, self._has_handshake = trio.lowlevel.ParkingLot(), False

    def send(self, data: bytes) -> None:
        """Queue *data* for the client to read."""
        self._incoming += data
        self._readers.unpark_all()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Discard *data*, or answer the handshake."""
        await trio.lowlevel.checkpoint()
        if not self._has_handshake:
            found = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)
            assert found is not None
            accept = base64.b64encode(hashlib.sha1(found[1] + GUID).digest())  # noqa: S324  # RFC 6455 §4.2.2
            self._has_handshake = True
            self.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return queued data; wait for some if there is none."""
        await trio.lowlevel.checkpoint()
        while not self._incoming and not self._is_closed:
            await self._readers.park()
        data = bytes(self._incoming[: max_bytes or 2**16])
        del self._incoming[: len(data)]
        return data

    async def wait_send_all_might_not_block(self) -> None:
        """Return immediately."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close the stream."""
        self._is_closed = True
        self._readers.unpark_all()
        await trio.lowlevel.checkpoint()


class PolitePeer(MemoryPeer):
    """A peer that ends the stream on a close frame, so that no client waits for an answer."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Discard *data*, or end the stream."""
        await super().send_all(data)
        if data[0] == CLOSE:
            await self.aclose()


async def open_silence(host: str, port: int) -> MemoryPeer:  # noqa: ARG001  # the signature is given
    """Connect to a peer that sends nothing."""
    await trio.lowlevel.checkpoint()
    return PolitePeer()

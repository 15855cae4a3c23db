"""A stream that injects faults, under every connection of the service.

The faults of a request are armed after it is read, and disarmed when its response is complete.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol, runtime_checkable

import attrs
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.injector import STREAM_FAULTS, FaultInjector
from trio_cartesia.server.streams import CLOSE_SECONDS, RECEIVE_BYTES, STREAM_ENDED

__all__ = ["FaultyStream"]

SILENCE_SECONDS: Final = 300.0  # for the peer of a silent stream to close it
LINGER_0: Final = struct.pack("hh" if hasattr(socket, "SIO_RCVALL") else "ii", 1, 0)
Data = bytes | bytearray | memoryview


@runtime_checkable
class Resettable(Protocol):
    """A stream that can be reset; its peer can distinguish a reset from an end of stream."""

    def reset(self) -> None:
        """Reset the stream."""


@attrs.define(eq=False)
class FaultyStream(trio.abc.Stream):
    """A stream that injects the faults it was armed with, and otherwise passes bytes on.

    Attributes:
        inner: The stream underneath.
    """

    inner: trio.abc.Stream
    _nursery: trio.Nursery | None = None  # for delayed bytes; the fault latency needs it
    _injector: FaultInjector | None = attrs.field(default=None, init=False)

    @classmethod
    def wrap(cls, stream: trio.abc.Stream) -> FaultyStream:
        """Return *stream* as a `FaultyStream`."""
        return stream if isinstance(stream, cls) else cls(stream)

    @property
    def is_armed(self) -> bool:
        """True if faults are armed for the next response."""
        return self._injector is not None

    def arm(self, faults: Iterable[Fault]) -> None:
        """Prepare the byte-level faults in *faults* for the next response."""
        own = [fault for fault in faults if fault.name in STREAM_FAULTS]
        if own and self._injector is None:
            self._injector = FaultInjector(self, self._nursery)
            self._injector.arm(own)

    async def disarm(self) -> None:
        """Deliver delayed bytes and drop the faults, unless one of them has ended the stream."""
        if self._injector is not None and not self.has_ended:
            await self._injector.flush()
            self._injector = None

    async def begin(self, *, is_body: bool) -> None:
        """Count bytes from here on, after the head of a response or a handshake."""
        if self._injector is not None:
            await self._injector.begin(is_body=is_body)

    async def trigger(self, fault: Fault) -> None:
        """Inject *fault*, which was armed, now."""
        assert self._injector is not None
        await self._injector.trigger(fault)

    async def send_all(self, data: Data) -> None:
        """Send *data* as changed by the armed faults.

        Raises:
            BrokenResourceError: The peer or a fault has ended the stream.
        """
        if self._injector is None:
            await self.inner.send_all(data)
        else:
            await self._injector.send(memoryview(data))

    async def send_uncounted(self, data: Data) -> None:
        """Send *data*, which does not belong to the body, on an armed stream."""
        assert self._injector is not None
        await self._injector.send(memoryview(data), counted=False)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until sending might not block."""
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive bytes; an empty result means end of stream."""
        if self._injector is None:
            return await self.inner.receive_some(max_bytes)
        return await self._injector.receive(max_bytes)

    async def aclose(self) -> None:
        """Close the stream underneath."""
        await self.inner.aclose()

    @property
    def has_ended(self) -> bool:
        """True if a fault has ended the stream, so that no response can follow."""
        return self._injector is not None and self._injector.has_ended

    async def drain(self) -> None:
        """Deliver delayed bytes, and wait for the peer of a stream that a fault has ended."""
        injector = self._injector
        if injector is None:
            return
        with trio.move_on_after(injector.latency_seconds + CLOSE_SECONDS):
            await injector.flush()
        if injector.has_sent_fin:
            await _read_until_eof(_transport_of(self.inner), CLOSE_SECONDS)
        elif injector.is_silent:
            await _read_until_eof(self.inner, SILENCE_SECONDS)

    async def end(self) -> None:
        """Send FIN without a close frame, and without TLS's ``close_notify``."""
        bottom = _transport_of(self.inner)
        with suppress(*STREAM_ENDED):
            if isinstance(bottom, trio.abc.HalfCloseableStream):
                await bottom.send_eof()
            else:
                await trio.aclose_forcefully(bottom)

    async def reset(self) -> None:
        """Reset the connection, or close it if it cannot be reset."""
        bottom = _transport_of(self.inner)
        if isinstance(bottom, Resettable):
            bottom.reset()
        elif isinstance(bottom, trio.SocketStream):
            with suppress(*STREAM_ENDED, OSError):
                bottom.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        await trio.aclose_forcefully(bottom)


def _transport_of(stream: trio.abc.Stream) -> trio.abc.Stream:
    """Return the stream below TLS."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream


async def _read_until_eof(stream: trio.abc.Stream, seconds: float) -> None:
    """Read until the peer closes the stream, for at most *seconds*."""
    with trio.move_on_after(seconds), suppress(*STREAM_ENDED):
        while await stream.receive_some(RECEIVE_BYTES):
            pass

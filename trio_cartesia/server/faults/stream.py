"""
The stream that every connection is served over: it passes everything on until a fault is due.

The faults of a request are armed once it has been read, and disarmed when its answer is over.
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

SILENCE_SECONDS: Final = 300.0  # for a peer that hears nothing to leave, once we have
LINGER_0: Final = struct.pack("hh" if hasattr(socket, "SIO_RCVALL") else "ii", 1, 0)
Data = bytes | bytearray | memoryview


@runtime_checkable
class Resettable(Protocol):
    """
    A stream that can break both ways at once, so that the peer can tell it from an ordinary end.
    """

    def reset(self) -> None:
        """Break."""


@attrs.define(eq=False)
class FaultyStream(trio.abc.Stream):
    """
    A stream that does what it is asked to do wrong.

    Attributes:
        inner: What everything goes over.
    """

    inner: trio.abc.Stream
    _nursery: trio.Nursery | None = None  # for what is under way; without it there is no latency
    _injector: FaultInjector | None = attrs.field(default=None, init=False)

    @classmethod
    def around(cls, stream: trio.abc.Stream) -> FaultyStream:
        """
        Return *stream* itself if it is one already.
        """
        return stream if isinstance(stream, cls) else cls(stream)

    @property
    def is_armed(self) -> bool:
        """
        Whether something may go wrong with what is sent from now on.
        """
        return self._injector is not None

    def arm(self, faults: Iterable[Fault]) -> None:
        """
        Let those of *faults* happen to the next answer that are a stream's.
        """
        mine = [fault for fault in faults if fault.name in STREAM_FAULTS]
        if mine and self._injector is None:
            self._injector = FaultInjector(self, self._nursery)
            self._injector.expect(mine)

    async def disarm(self) -> None:
        """
        Return to normal once everything has gone out, unless a fault has ended it all.
        """
        if self._injector is not None and not self.has_ended:
            await self._injector.flush()
            self._injector = None

    async def begin(self, *, is_body: bool) -> None:
        """
        Count bytes from here on: the head of an answer is out, or the handshake is.
        """
        if self._injector is not None:
            await self._injector.begin(is_body=is_body)

    async def trigger(self, fault: Fault) -> None:
        """
        Let *fault*, which was armed, happen now.
        """
        assert self._injector is not None
        await self._injector.trigger(fault)

    async def send_all(self, data: Data) -> None:
        """
        Send *data*, or what becomes of it.

        Raises:
            BrokenResourceError: Also if a fault has ended the stream.
        """
        if self._injector is None:
            await self.inner.send_all(data)
        else:
            await self._injector.send(memoryview(data))

    async def send_uncounted(self, data: Data) -> None:
        """
        Send *data*, which is no part of the body whose bytes are counted, on an armed stream.
        """
        assert self._injector is not None
        await self._injector.send(memoryview(data), counted=False)

    async def wait_send_all_might_not_block(self) -> None:
        """
        Wait until something could be sent.
        """
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """
        Return what has come; nothing if there will be no more.
        """
        if self._injector is None:
            return await self.inner.receive_some(max_bytes)
        return await self._injector.receive(max_bytes)

    async def aclose(self) -> None:
        """
        Close what everything went over.
        """
        await self.inner.aclose()

    @property
    def has_ended(self) -> bool:
        """
        Whether a fault has ended it all, so that there is nothing to say and nobody to say it to.
        """
        return self._injector is not None and self._injector.has_ended

    async def drain(self) -> None:
        """
        Wait for what is under way, and for the peer of a stream that a fault has ended.
        """
        trouble = self._injector
        if trouble is None:
            return
        with trio.move_on_after(trouble.latency_seconds + CLOSE_SECONDS):
            await trouble.flush()
        if trouble.has_sent_fin:
            await _read_until_eof(_bottom(self.inner), CLOSE_SECONDS)
        elif trouble.is_silent:
            await _read_until_eof(self.inner, SILENCE_SECONDS)

    async def end(self) -> None:
        """
        Send FIN, and nothing before it: no close frame, and no ``close_notify`` of TLS.
        """
        bottom = _bottom(self.inner)
        with suppress(*STREAM_ENDED):
            if isinstance(bottom, trio.abc.HalfCloseableStream):
                await bottom.send_eof()
            else:
                await trio.aclose_forcefully(bottom)

    async def reset(self) -> None:
        """
        Break, as abruptly as what is underneath can.
        """
        bottom = _bottom(self.inner)
        if isinstance(bottom, Resettable):
            bottom.reset()
        elif isinstance(bottom, trio.SocketStream):
            with suppress(*STREAM_ENDED, OSError):
                bottom.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        await trio.aclose_forcefully(bottom)


def _bottom(stream: trio.abc.Stream) -> trio.abc.Stream:
    """
    Return what is below all TLS.
    """
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream


async def _read_until_eof(stream: trio.abc.Stream, seconds: float) -> None:
    """
    Read until the peer has left, no longer than so many *seconds*.
    """
    with trio.move_on_after(seconds), suppress(*STREAM_ENDED):
        while await stream.receive_some(RECEIVE_BYTES):
            pass

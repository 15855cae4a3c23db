"""
Connections in memory: bounded, so that they push back, and breakable.
"""

from __future__ import annotations

import operator
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot

__all__ = ["PIPE_BYTES", "MemoryStream", "bounded_stream_pair"]

PIPE_BYTES: Final = 65_536


@attrs.define(eq=False)
class _Pipe:
    """One direction: bytes that were sent and not yet received."""

    limit_bytes: int
    held: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    is_ended: bool = attrs.field(default=False, init=False)
    is_broken: bool = attrs.field(default=False, init=False)
    changed: ParkingLot = attrs.field(factory=ParkingLot, init=False)

    def end(self) -> None:
        self.is_ended = True
        self.changed.unpark_all()

    def break_off(self) -> None:
        self.is_broken = True
        self.held.clear()
        self.changed.unpark_all()


@attrs.define(eq=False)
class _Turn:
    """Lets one task at a time do a thing, and tells the others so."""

    name: str
    _is_taken: bool = attrs.field(default=False, init=False)

    def __enter__(self) -> None:
        if self._is_taken:
            raise trio.BusyResourceError(f"another task is {self.name} already")
        self._is_taken = True

    def __exit__(self, *_: object) -> None:
        self._is_taken = False


@attrs.define(eq=False)
class MemoryStream(trio.abc.HalfCloseableStream):
    """
    One end of a connection in memory; made by `bounded_stream_pair`.

    Unlike the pairs of ``trio.testing`` it is bounded: sending waits while the peer does not
    receive.
    """

    _incoming: _Pipe
    _outgoing: _Pipe
    _is_closed: bool = attrs.field(default=False, init=False)
    _has_said_all: bool = attrs.field(default=False, init=False)
    _is_stalled: bool = attrs.field(default=False, init=False)
    _moving: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    _sending: _Turn = attrs.field(factory=lambda: _Turn("sending"), init=False)
    _receiving: _Turn = attrs.field(factory=lambda: _Turn("receiving"), init=False)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send *data*; if cancelled, a part of it may have been sent."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            await self._send(memoryview(data).cast("B"))

    async def _send(self, rest: memoryview) -> None:
        pipe = self._outgoing
        if self._has_said_all:
            raise trio.ClosedResourceError("send_eof() was called")
        while True:
            await self._check_moves()
            if pipe.is_broken or pipe.is_ended:
                raise trio.BrokenResourceError("the peer has gone")
            room = pipe.limit_bytes - len(pipe.held)
            if room > 0:
                pipe.held += rest[:room]
                rest = rest[room:]
                pipe.changed.unpark_all()
            if not rest:
                return
            await pipe.changed.park()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room, or nobody left to send to."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            pipe = self._outgoing
            self._check_open()
            while len(pipe.held) >= pipe.limit_bytes and not pipe.is_broken and not pipe.is_ended:
                await pipe.changed.park()
                self._check_open()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, at least one byte; nothing means the end."""
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError("max_bytes must be at least 1")
        with self._receiving:
            await trio.lowlevel.checkpoint()
            return await self._receive(max_bytes)

    async def _receive(self, max_bytes: int | None) -> bytes:
        pipe = self._incoming
        while True:
            await self._check_moves()
            if pipe.is_broken:
                raise trio.BrokenResourceError("connection reset by peer")
            if pipe.held:
                data = bytes(pipe.held[:max_bytes])
                del pipe.held[: len(data)]
                pipe.changed.unpark_all()
                return data
            if pipe.is_ended:
                return b""
            await pipe.changed.park()

    async def send_eof(self) -> None:
        """Send no more; the peer may."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            self._check_open()
            self._has_said_all = True
            self._outgoing.end()

    async def aclose(self) -> None:
        """Close both directions."""
        self._close()
        await trio.lowlevel.checkpoint()

    def stall(self) -> None:
        """From now on this end neither takes nor gives; the other one sees nothing but silence."""
        self._is_stalled = True

    def resume(self) -> None:
        """End what `stall` began; nothing was lost."""
        self._is_stalled = False
        self._moving.unpark_all()

    def reset(self) -> None:
        """Break the connection: both ends fail at once, and what was under way is lost."""
        self._incoming.break_off()
        self._outgoing.break_off()
        self._moving.unpark_all()

    def _close(self) -> None:
        self._is_closed = True
        self._outgoing.end()
        self._incoming.end()
        self.resume()

    async def _check_moves(self) -> None:
        while self._is_stalled and not self._incoming.is_broken:
            await self._moving.park()
        self._check_open()

    def _check_open(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError("this end was closed")


def bounded_stream_pair(limit_bytes: int = PIPE_BYTES) -> tuple[MemoryStream, MemoryStream]:
    """
    Return two connected streams.

    Args:
        limit_bytes: What may be under way in each direction before sending waits.
    """
    there, back = _Pipe(limit_bytes), _Pipe(limit_bytes)
    return MemoryStream(back, there), MemoryStream(there, back)

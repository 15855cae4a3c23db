"""
Connections in memory: bounded, so that they push back; as slow and lumpy as asked; breakable.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator

import attrs
import trio
from trio.lowlevel import ParkingLot

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia.testing.links import DIRECT, PIPE_BYTES, Link, Pipe

__all__ = ["MemoryStream", "bounded_stream_pair"]


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


@no_public_constructor("bounded_stream_pair()")
@attrs.define(eq=False, init=False)
class MemoryStream(trio.abc.HalfCloseableStream):
    """
    One end of a connection in memory; made by `bounded_stream_pair`.

    Unlike the pairs of ``trio.testing`` it is bounded: sending waits while the peer does not
    receive. `stall`, `cut_after` and `reset` are for tests of what happens then; ``send_eof``
    half-closes it.
    """

    _incoming: Pipe = attrs.field(repr=False)
    _outgoing: Pipe = attrs.field(repr=False)
    _pieces: Iterator[int] | None = attrs.field(repr=False)
    _left_bytes: int | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _has_said_all: bool = attrs.field(default=False, init=False)
    _is_stalled: bool = attrs.field(default=False, init=False)
    _moving: ParkingLot = attrs.field(factory=ParkingLot, init=False, repr=False)
    _sending: _Turn = attrs.field(factory=lambda: _Turn("sending"), init=False, repr=False)
    _receiving: _Turn = attrs.field(factory=lambda: _Turn("receiving"), init=False, repr=False)

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
            if pipe.is_broken or pipe.has_ended:
                raise trio.BrokenResourceError("the peer has gone")
            if pipe.room_bytes > 0:
                rest = rest[self._put(rest[: pipe.room_bytes]) :]
            if not rest:
                return
            if pipe.room_bytes <= 0:
                await pipe.changed.park()

    def _put(self, data: memoryview) -> int:
        """Put *data* on its way, or as much as goes before the cut; return how much."""
        if self._left_bytes is None:
            self._outgoing.put(data)
            return len(data)
        data = data[: self._left_bytes]
        self._outgoing.put(data)
        self._left_bytes -= len(data)
        if self._left_bytes == 0:
            self._outgoing.end()
            self._incoming.end()
        return len(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room, or nobody left to send to."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            pipe = self._outgoing
            self._check_open()
            while pipe.room_bytes <= 0 and not pipe.is_broken and not pipe.has_ended:
                await pipe.changed.park()
                self._check_open()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, at least one byte; nothing means the end."""
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError("max_bytes must be at least 1")
        with self._receiving:
            await trio.lowlevel.checkpoint()
            if self._pieces is not None:
                piece = next(self._pieces)
                max_bytes = piece if max_bytes is None else min(piece, max_bytes)
            return await self._receive(max_bytes)

    async def _receive(self, max_bytes: int | None) -> bytes:
        pipe = self._incoming
        while True:
            await self._check_moves()
            if pipe.is_broken:
                raise trio.BrokenResourceError("connection reset by peer")
            if data := pipe.take(max_bytes):
                return data
            if pipe.is_over:
                return b""
            await pipe.wait_change()

    async def send_eof(self) -> None:
        """Send no more; the peer may."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            await self._check_moves()
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

    def cut_after(self, count_bytes: int) -> None:
        """
        Send so many bytes more, at least one, and then end the connection, in mid-message or not.
        """
        if count_bytes < 1:
            raise ValueError("count_bytes must be at least 1")
        self._left_bytes = count_bytes

    def reset(self) -> None:
        """Break the connection: both ends fail at once, and what was under way is lost."""
        self._incoming.break_off()
        self._outgoing.break_off()
        self._moving.unpark_all()

    def _close(self) -> None:
        self._is_closed = True
        self._outgoing.end()
        self._incoming.end()
        self._incoming.changed.unpark_all()  # also where the peer had ended it
        self._outgoing.changed.unpark_all()
        self.resume()

    async def _check_moves(self) -> None:
        while self._is_stalled and not self._incoming.is_broken:
            await self._moving.park()
        self._check_open()

    def _check_open(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError("this end was closed")


def bounded_stream_pair(
    limit_bytes: int = PIPE_BYTES, *, link: Link = DIRECT
) -> tuple[MemoryStream, MemoryStream]:
    """
    Return two connected streams.

    Args:
        limit_bytes: What may be under way in each direction before sending waits.
        link: How slow and in which pieces it is carried.
    """
    there, back = Pipe(limit_bytes, link), Pipe(limit_bytes, link)
    return (
        create(MemoryStream, back, there, _sizes(link)),
        create(MemoryStream, there, back, _sizes(link)),
    )


def _sizes(link: Link) -> Iterator[int] | None:
    return itertools.cycle(link.piece_bytes) if link.piece_bytes else None

"""Bounded connections in memory over a configurable network: tests stall, cut and reset them."""

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
    """Lets one task at a time into a block; raises `trio.BusyResourceError` for a second one."""

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
    """One end of a connection in memory; made by `bounded_stream_pair`.

    Unlike the streams of ``trio.testing`` it is bounded: sending waits while the peer does not
    receive. `stall`, `cut_after` and `reset` simulate a failing network; `send_eof` half-closes
    the connection.
    """

    _incoming: Pipe = attrs.field(repr=False)
    _outgoing: Pipe = attrs.field(repr=False)
    _pieces: Iterator[int] | None = attrs.field(repr=False)
    _left_bytes: int | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _has_sent_eof: bool = attrs.field(default=False, init=False)
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
        if self._has_sent_eof:
            raise trio.ClosedResourceError("send_eof() was called")
        while True:
            await self._check_moves()
            if pipe.is_broken or pipe.has_ended:
                raise trio.BrokenResourceError("the peer has gone")
            if pipe.free_bytes > 0:
                rest = rest[self._put(rest[: pipe.free_bytes]) :]
            if not rest:
                return
            if pipe.free_bytes <= 0:
                await pipe.changed.park()

    def _put(self, data: memoryview) -> int:
        """Send *data*, up to the cut if there is one; return the number of bytes sent."""
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
        """Wait until the pipe has free space, or the peer has gone."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            pipe = self._outgoing
            self._check_open()
            while pipe.free_bytes <= 0 and not pipe.is_broken and not pipe.has_ended:
                await pipe.changed.park()
                self._check_open()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at least one byte; an empty result means the end of the stream."""
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
        """End the direction to the peer, which may still send."""
        with self._sending:
            await trio.lowlevel.checkpoint()
            await self._check_moves()
            self._has_sent_eof = True
            self._outgoing.end()

    async def aclose(self) -> None:
        """Close both directions."""
        self._close()
        await trio.lowlevel.checkpoint()

    def stall(self) -> None:
        """Stop both directions at this end, so that the peer sees silence, until `resume`."""
        self._is_stalled = True

    def resume(self) -> None:
        """Continue after `stall`; no bytes were lost."""
        self._is_stalled = False
        self._moving.unpark_all()

    def cut_after(self, count_bytes: int) -> None:
        """End the connection after *count_bytes* more bytes were sent, at least one."""
        if count_bytes < 1:
            raise ValueError("count_bytes must be at least 1")
        self._left_bytes = count_bytes

    def reset(self) -> None:
        """Reset the connection: both ends fail at once, and bytes under way are lost."""
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
    """Return two connected streams.

    Args:
        limit_bytes: Bytes that each direction holds before sending waits.
        link: How slowly, and in which pieces, bytes are carried.
    """
    there, back = Pipe(limit_bytes, link), Pipe(limit_bytes, link)
    return (
        create(MemoryStream, back, there, _sizes(link)),
        create(MemoryStream, there, back, _sizes(link)),
    )


def _sizes(link: Link) -> Iterator[int] | None:
    return itertools.cycle(link.piece_bytes) if link.piece_bytes else None

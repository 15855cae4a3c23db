"""Latency, limited bandwidth and dripping bytes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import attrs
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.streams import STREAM_ENDED

__all__ = ["DelayLine", "Pace"]

PIECES_PER_SECOND: Final = 20  # of a limited bandwidth
LINE_BYTES: Final = 1024 * 1024  # delayed at once, before sending waits


@attrs.define(eq=False)
class DelayLine:
    """A queue that delivers bytes to a stream after a delay."""

    stream: trio.abc.Stream
    seconds: float
    _queue: deque[tuple[float, bytes]] = attrs.field(factory=deque, init=False)
    _size: int = attrs.field(default=0, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_broken: bool = attrs.field(default=False, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)

    async def put(self, data: bytes) -> None:
        """Queue *data*; wait while too much is queued."""
        await trio.lowlevel.checkpoint()
        while self._size >= LINE_BYTES and not self._is_broken:
            await self._changed.wait()
        if self._is_broken:
            raise trio.BrokenResourceError("the peer has gone")
        self._queue.append((trio.current_time() + self.seconds, data))
        self._size += len(data)
        self._notify()

    async def run(self) -> None:
        """Deliver bytes when they are due, until stopped."""
        try:
            while not self._is_stopped:
                if not self._queue:
                    await self._changed.wait()
                    continue
                due, data = self._queue[0]
                await trio.sleep_until(due)
                await self.stream.send_all(data)
                self._queue.popleft()
                self._size -= len(data)
                self._notify()
        except STREAM_ENDED:
            self._is_broken = True
            self._notify()

    async def wait_empty(self) -> None:
        """Wait until the queue is empty, or the stream is broken."""
        while self._queue and not self._is_broken:
            await self._changed.wait()

    def stop(self) -> None:
        """Stop delivering."""
        self._is_stopped = True
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@attrs.frozen
class Pace:
    """The size of the pieces that are sent, and the pause after each of them."""

    piece_bytes: int
    _pause_seconds: float
    _seconds_per_byte: float = 0.0

    @classmethod
    def of(cls, fault: Fault) -> Pace:
        """Return the pace of the fault drip or bandwidth."""
        if fault.bytes_per_second is None:
            return cls(fault.size_bytes or 1, fault.seconds or 0.0)
        piece_bytes = math.ceil(fault.bytes_per_second / PIECES_PER_SECOND)
        return cls(piece_bytes, 0.0, 1 / fault.bytes_per_second)

    def pause_seconds(self, size: int) -> float:
        """Return how long to wait after sending *size* bytes."""
        return self._pause_seconds + size * self._seconds_per_byte

    def cut(self, data: memoryview) -> Iterator[memoryview]:
        """Yield *data* in pieces of `piece_bytes`."""
        for start in range(0, len(data), self.piece_bytes):
            yield data[start : start + self.piece_bytes]

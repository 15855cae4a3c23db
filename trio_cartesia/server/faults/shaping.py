"""
Slow connections: bytes that take their time, and bytes that leave one after another.
"""

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
LINE_BYTES: Final = 1024 * 1024  # under way at once, before sending waits


@attrs.define(eq=False)
class DelayLine:
    """
    Bytes that are under way, each for some seconds.
    """

    stream: trio.abc.Stream
    seconds: float
    _under_way: deque[tuple[float, bytes]] = attrs.field(factory=deque, init=False)
    _size: int = attrs.field(default=0, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_broken: bool = attrs.field(default=False, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)

    async def put(self, data: bytes) -> None:
        """
        Let *data* arrive in time; wait only if too much is under way.
        """
        await trio.lowlevel.checkpoint()
        while self._size >= LINE_BYTES and not self._is_broken:
            await self._changed.wait()
        if self._is_broken:
            raise trio.BrokenResourceError("the peer has gone")
        self._under_way.append((trio.current_time() + self.seconds, data))
        self._size += len(data)
        self._tell()

    async def run(self) -> None:
        """
        Deliver until stopped.
        """
        try:
            while not self._is_stopped:
                if not self._under_way:
                    await self._changed.wait()
                    continue
                due, data = self._under_way[0]
                await trio.sleep_until(due)
                await self.stream.send_all(data)
                self._under_way.popleft()
                self._size -= len(data)
                self._tell()
        except STREAM_ENDED:
            self._is_broken = True
            self._tell()

    async def empty(self) -> None:
        """
        Wait until everything has been delivered, or nothing can be.
        """
        while self._under_way and not self._is_broken:
            await self._changed.wait()

    def stop(self) -> None:
        """
        Deliver nothing more.
        """
        self._is_stopped = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@attrs.frozen
class Pace:
    """
    How fast bytes may leave: so many at once, and then a pause, in all or for each of them.
    """

    piece_bytes: int
    _pause_seconds: float
    _seconds_per_byte: float = 0.0

    @classmethod
    def of(cls, fault: Fault) -> Pace:
        """
        Return the pace of a drip, or of a limited bandwidth.
        """
        if fault.bytes_per_second is None:
            return cls(fault.size_bytes or 1, fault.seconds or 0.0)
        piece_bytes = math.ceil(fault.bytes_per_second / PIECES_PER_SECOND)
        return cls(piece_bytes, 0.0, 1 / fault.bytes_per_second)

    def pause_seconds(self, size: int) -> float:
        """
        Return how long to wait once a piece of that *size* has left.
        """
        return self._pause_seconds + size * self._seconds_per_byte

    def cut(self, data: memoryview) -> Iterator[memoryview]:
        """
        Yield *data* in pieces.
        """
        for start in range(0, len(data), self.piece_bytes):
            yield data[start : start + self.piece_bytes]

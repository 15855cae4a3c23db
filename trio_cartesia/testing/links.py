"""One direction of a connection in memory: a bounded pipe with latency and bandwidth."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import attrs
import trio
from attrs.validators import deep_iterable, ge, gt, instance_of
from trio.lowlevel import ParkingLot

__all__ = ["DIRECT", "PIPE_BYTES", "Link", "Pipe"]

PIPE_BYTES: Final = 65_536
PACKET_BYTES: Final = 1_460  # a slow link carries bytes in packets of this size

_above_zero: Final = deep_iterable(member_validator=[instance_of(int), ge(1)])


@attrs.frozen(kw_only=True)
class Link:
    """The network of a connection in memory, the same in both directions.

    Attributes:
        latency_seconds: How long each byte takes to arrive.
        bytes_per_second: The bandwidth.
        piece_bytes: The most bytes that each successive ``receive_some`` returns, repeated from the
            start; ``(1,)`` returns single bytes. Empty: no limit.
    """

    latency_seconds: float = attrs.field(default=0.0, validator=ge(0))
    bytes_per_second: float = attrs.field(default=math.inf, validator=gt(0))
    piece_bytes: tuple[int, ...] = attrs.field(
        default=(), converter=tuple[int, ...], validator=_above_zero
    )

    @property
    def takes_time(self) -> bool:
        """Whether bytes arrive later than they are sent."""
        return self.latency_seconds > 0 or self.bytes_per_second < math.inf


DIRECT: Final = Link()


@attrs.define(eq=False)
class Pipe:
    """Bytes that were sent and not yet received.

    Attributes:
        limit_bytes: The most it holds.
        changed: Unparked whenever bytes are added or taken, and at the end.
        has_ended: Whether the sender has ended.
        is_broken: Whether the connection was reset.
    """

    limit_bytes: int
    _link: Link = DIRECT
    changed: ParkingLot = attrs.field(factory=ParkingLot, init=False, repr=False)
    has_ended: bool = attrs.field(default=False, init=False)
    is_broken: bool = attrs.field(default=False, init=False)
    _arrived: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _under_way: deque[tuple[float, bytes]] = attrs.field(factory=deque, init=False, repr=False)
    _under_way_bytes: int = attrs.field(default=0, init=False)
    _is_free_at: float = attrs.field(default=-math.inf, init=False)
    _ends_at: float = attrs.field(default=-math.inf, init=False)

    @property
    def free_bytes(self) -> int:
        """Bytes that can be added before it is full."""
        return self.limit_bytes - len(self._arrived) - self._under_way_bytes

    def put(self, data: memoryview) -> None:
        """Add *data*, which must not exceed `free_bytes`."""
        if self._link.takes_time:
            for start in range(0, len(data), PACKET_BYTES):
                self._send_packet(bytes(data[start : start + PACKET_BYTES]))
        else:
            self._arrived += data
        self.changed.unpark_all()

    def take(self, max_bytes: int | None) -> bytes:
        """Remove and return the bytes that have arrived, at most *max_bytes*; maybe none."""
        self._arrive()
        data = bytes(self._arrived[:max_bytes])
        del self._arrived[: len(data)]
        self.changed.unpark_all()
        return data

    @property
    def is_over(self) -> bool:
        """Whether the end has arrived and every byte was taken."""
        self._arrive()
        is_empty = not self._arrived and not self._under_way
        return self.has_ended and is_empty and trio.current_time() >= self._ends_at

    async def wait_change(self) -> None:
        """Wait until bytes are added, taken or arrive, or the end does."""
        now = trio.current_time()
        next_at = self._under_way[0][0] if self._under_way else self._ends_at
        with trio.move_on_at(next_at if next_at > now else math.inf):
            await self.changed.park()

    def end(self) -> None:
        """Add the end of the stream."""
        if not self.has_ended:
            self.has_ended = True
            if self._link.takes_time:
                departs_at = max(trio.current_time(), self._is_free_at)
                self._ends_at = departs_at + self._link.latency_seconds
            self.changed.unpark_all()

    def break_off(self) -> None:
        """Drop all bytes and refuse further ones."""
        self.is_broken = True
        self._arrived.clear()
        self._under_way.clear()
        self._under_way_bytes = 0
        self.changed.unpark_all()

    def _send_packet(self, packet: bytes) -> None:
        departs_at = max(trio.current_time(), self._is_free_at)
        self._is_free_at = departs_at + len(packet) / self._link.bytes_per_second
        self._under_way.append((self._is_free_at + self._link.latency_seconds, packet))
        self._under_way_bytes += len(packet)

    def _arrive(self) -> None:
        now = trio.current_time()
        while self._under_way and self._under_way[0][0] <= now:
            _, packet = self._under_way.popleft()
            self._under_way_bytes -= len(packet)
            self._arrived += packet

"""
What goes wrong with the bytes of one answer: how faulty streams send and receive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.shaping import DelayLine, Pace

__all__ = ["STREAM_FAULTS", "FaultInjector"]

ARRIVAL_SECONDS: Final = 0.01  # for what was sent before a reset to arrive
GARBAGE: Final = bytes((97 * number + 128) % 256 for number in range(256)) * 64

ENDINGS: Final = frozenset({"reset", "fin", "truncated_frame", "truncated_body"})
SHAPING: Final = frozenset({"drip", "latency", "bandwidth"})
HANDSHAKE_FAULTS: Final = frozenset({"stalled_handshake", "garbage_handshake"})
STREAM_FAULTS: Final = (
    ENDINGS | SHAPING | HANDSHAKE_FAULTS | {"stall", "silence"}
)  # what streams can do


class FaultTarget(Protocol):
    """
    What a `FaultInjector` needs of the stream that it happens to.
    """

    inner: trio.abc.Stream

    async def end(self) -> None:
        """Send FIN and nothing else."""

    async def reset(self) -> None:
        """Break."""


@attrs.define(eq=False)
class FaultInjector:
    """
    The state of one answer that something goes wrong with.

    Attributes:
        has_sent_fin: Whether we have sent FIN, so that nothing more can go out.
        is_silent: Whether nothing goes out although everything seems to.
    """

    _target: FaultTarget
    _nursery: trio.Nursery | None
    has_sent_fin: bool = attrs.field(default=False, init=False)
    is_silent: bool = attrs.field(default=False, init=False)
    _is_broken: bool = attrs.field(default=False, init=False)
    _handshake_fault: Fault | None = attrs.field(default=None, init=False)
    _pending: list[Fault] = attrs.field(factory=list, init=False)  # the next one comes first
    _unplaced: list[Fault] = attrs.field(factory=list, init=False)
    _sent: int | None = attrs.field(default=None, init=False)  # None: not counting yet
    _pace: Pace | None = attrs.field(default=None, init=False)
    _free_at: float = attrs.field(default=-math.inf, init=False)
    _line: DelayLine | None = attrs.field(default=None, init=False)
    _stalled_until: float = attrs.field(default=-math.inf, init=False)
    _held: bytes = attrs.field(default=b"", init=False)
    _listening: trio.CancelScope | None = attrs.field(default=None, init=False)

    @property
    def has_ended(self) -> bool:
        """
        Whether there will be no other answer on this stream.
        """
        return self.has_sent_fin or self.is_silent or self._is_broken

    @property
    def latency_seconds(self) -> float:
        """
        How long bytes are under way.
        """
        return self._line.seconds if self._line else 0.0

    def expect(self, faults: Sequence[Fault]) -> None:
        """
        Prepare for *faults*; those that have their place at a frame are for others to trigger.
        """
        for fault in faults:
            if fault.name in HANDSHAKE_FAULTS:
                self._handshake_fault = fault
            elif fault.at_byte is not None:
                self._pending.append(fault)
            elif fault.at_frame is None and fault.context_id is None:
                if fault.name in SHAPING:
                    self._shape(fault)
                else:
                    self._unplaced.append(attrs.evolve(fault, at_byte=0))
        self._pending.sort(key=_position)

    async def begin(self, *, is_body: bool) -> None:
        """
        Count bytes from here on. What has no place happens here to a body, else to a frame.
        """
        self._sent = 0
        if is_body:
            self._pending = [*self._unplaced, *self._pending]
        await self._trigger_due()

    async def send(self, data: memoryview, *, counted: bool = True) -> None:
        """
        Send *data* as far as the faults let it through, and let those happen that are due.
        """
        if self._handshake_fault is not None:
            await self._replace_response(self._handshake_fault, data)
        elif self._sent is None or not counted:
            await self._push(data)
        else:
            while data:
                room = _position(self._pending[0]) - self._sent if self._pending else len(data)
                piece, data = data[:room], data[room:]
                await self._push(piece)
                self._sent += len(piece)
                await self._trigger_due()

    async def _replace_response(self, fault: Fault, data: memoryview) -> None:
        self._handshake_fault = None
        size = fault.size_bytes or 0
        if fault.name == "stalled_handshake":
            await self._push(data[:size])
            self._stalled_until = math.inf
            await self._push(data[size:])
        else:
            for left in range(size, 0, -len(GARBAGE)):
                await self._push(memoryview(GARBAGE)[:left])
            await self._finish()
            raise trio.BrokenResourceError("there was garbage instead of an answer")

    async def _push(self, data: memoryview) -> None:
        if self.has_sent_fin or self._is_broken:
            raise trio.BrokenResourceError("a fault has ended the stream")
        await trio.sleep_until(self._stalled_until)
        if self.is_silent or not data:
            return
        if self._pace is None:
            await self._deliver(data)
            return
        for piece in self._pace.cut(data):
            await trio.sleep_until(self._free_at)
            begun = max(self._free_at, trio.current_time())
            self._free_at = begun + self._pace.pause_seconds(len(piece))
            await self._deliver(piece)

    async def _deliver(self, data: memoryview) -> None:
        if self._line is None:
            await self._target.inner.send_all(data)
        else:
            await self._line.put(bytes(data))

    async def _trigger_due(self) -> None:
        while self._pending and _position(self._pending[0]) <= (self._sent or 0):
            await self.trigger(self._pending.pop(0))

    async def trigger(self, fault: Fault) -> None:
        """
        Let *fault* happen now.
        """
        if fault.name in SHAPING:
            self._shape(fault)
        elif fault.name == "stall":
            seconds = math.inf if fault.seconds is None else fault.seconds
            self._stalled_until = trio.current_time() + seconds
        elif fault.name == "silence":
            self.is_silent = True
        elif fault.name == "reset":
            await self.flush()
            await trio.sleep(ARRIVAL_SECONDS)
            self._is_broken = True
            await self._target.reset()
        else:
            await self._finish()

    def _shape(self, fault: Fault) -> None:
        if fault.name != "latency":
            self._pace = Pace.of(fault)
            return
        assert self._nursery is not None
        assert fault.seconds is not None
        if self._line is None:
            self._line = DelayLine(self._target.inner, fault.seconds)
            self._nursery.start_soon(self._line.run)
        self._line.seconds = fault.seconds

    async def _finish(self) -> None:
        await self.flush()
        self.has_sent_fin = True
        await self._target.end()
        if self._listening is not None:
            self._listening.cancel("a fault has ended the stream")

    async def flush(self) -> None:
        """
        Wait until everything has been delivered; nothing is under way afterwards.
        """
        await trio.lowlevel.checkpoint()
        if self._line is not None:
            await self._line.empty()
            self._line.stop()
            self._line = None

    async def receive(self, max_bytes: int | None) -> bytes:
        """
        Return what has come, once a stall is over; nothing if there will be no more.

        If cancelled, nothing is lost.
        """
        await trio.lowlevel.checkpoint()
        if not self._held and not self.has_sent_fin:
            with trio.CancelScope() as self._listening:
                self._held = bytes(await self._target.inner.receive_some(max_bytes))
        await trio.sleep_until(self._stalled_until)
        data, self._held = self._held, b""
        return data


def _position(fault: Fault) -> int:
    assert fault.at_byte is not None
    return fault.at_byte

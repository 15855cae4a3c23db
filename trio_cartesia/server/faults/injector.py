"""Byte-level faults for one response."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import attrs
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.shaping import DelayLine, Pace

__all__ = ["ENDINGS", "SHAPING", "STREAM_FAULTS", "FaultInjector"]

ARRIVAL_SECONDS: Final = 0.01  # for bytes that were sent before a reset to arrive
GARBAGE: Final = bytes((97 * number + 128) % 256 for number in range(256)) * 64

ENDINGS: Final = frozenset({"reset", "fin", "truncated_frame", "truncated_body"})
SHAPING: Final = frozenset({"drip", "latency", "bandwidth"})
HANDSHAKE_FAULTS: Final = frozenset({"stalled_handshake", "garbage_handshake"})
STREAM_FAULTS: Final = ENDINGS | SHAPING | HANDSHAKE_FAULTS | {"stall", "silence"}


class FaultTarget(Protocol):
    """The stream that faults are injected into."""

    inner: trio.abc.Stream

    async def end(self) -> None:
        """Send FIN, without any closing handshake."""

    async def reset(self) -> None:
        """Reset the connection."""


@attrs.define(eq=False)
class FaultInjector:
    """The faults in effect for one response.

    Attributes:
        has_sent_fin: Whether a fault has sent FIN, so that nothing more can be sent.
        is_silent: Whether sent bytes are dropped, and sending appears to succeed.
    """

    _target: FaultTarget
    _nursery: trio.Nursery | None
    has_sent_fin: bool = attrs.field(default=False, init=False)
    is_silent: bool = attrs.field(default=False, init=False)
    _is_broken: bool = attrs.field(default=False, init=False)
    _handshake_fault: Fault | None = attrs.field(default=None, init=False)
    _pending: list[Fault] = attrs.field(factory=list, init=False)  # by their `at_byte`
    # faults without a position, which start with the body
    _at_body: list[Fault] = attrs.field(factory=list, init=False)
    _sent_bytes: int | None = attrs.field(default=None, init=False)  # None before `begin`
    _pace: Pace | None = attrs.field(default=None, init=False)
    _free_at: float = attrs.field(default=-math.inf, init=False)
    _delay_line: DelayLine | None = attrs.field(default=None, init=False)
    _stalled_until: float = attrs.field(default=-math.inf, init=False)
    _received: bytes = attrs.field(default=b"", init=False)
    _receive_scope: trio.CancelScope | None = attrs.field(default=None, init=False)

    @property
    def has_ended(self) -> bool:
        """True if no other response can follow on this stream."""
        return self.has_sent_fin or self.is_silent or self._is_broken

    @property
    def latency_seconds(self) -> float:
        """The delay of sent bytes."""
        return self._delay_line.seconds if self._delay_line else 0.0

    def arm(self, faults: Sequence[Fault]) -> None:
        """Prepare *faults*, except those that `MessageFaults` triggers at a message."""
        for fault in faults:
            if fault.name in HANDSHAKE_FAULTS:
                self._handshake_fault = fault
            elif fault.at_byte is not None:
                self._pending.append(fault)
            elif fault.at_frame is None and fault.context_id is None:
                if fault.name in SHAPING:
                    self._shape(fault)
                else:
                    self._at_body.append(attrs.evolve(fault, at_byte=0))
        self._pending.sort(key=_position)

    async def begin(self, *, is_body: bool) -> None:
        """Count bytes from here on; trigger faults without a position if this is a body."""
        self._sent_bytes = 0
        if is_body:
            self._pending = [*self._at_body, *self._pending]
        await self._trigger_due()

    async def send(self, data: memoryview, *, counted: bool = True) -> None:
        """Send *data* as the faults allow, and trigger those that become due."""
        if self._handshake_fault is not None:
            await self._replace_response(self._handshake_fault, data)
        elif self._sent_bytes is None or not counted:
            await self._push(data)
        else:
            while data:
                size = len(data)
                if self._pending:
                    size = _position(self._pending[0]) - self._sent_bytes
                piece, data = data[:size], data[size:]
                await self._push(piece)
                self._sent_bytes += len(piece)
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
            raise trio.BrokenResourceError("a fault has sent garbage instead of a response")

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
        if self._delay_line is None:
            await self._target.inner.send_all(data)
        else:
            await self._delay_line.put(bytes(data))

    async def _trigger_due(self) -> None:
        while self._pending and _position(self._pending[0]) <= (self._sent_bytes or 0):
            await self.trigger(self._pending.pop(0))

    async def trigger(self, fault: Fault) -> None:
        """Inject *fault* now."""
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
        if self._delay_line is None:
            self._delay_line = DelayLine(self._target.inner, fault.seconds)
            self._nursery.start_soon(self._delay_line.run)
        self._delay_line.seconds = fault.seconds

    async def _finish(self) -> None:
        await self.flush()
        self.has_sent_fin = True
        await self._target.end()
        if self._receive_scope is not None:
            self._receive_scope.cancel("a fault has ended the stream")

    async def flush(self) -> None:
        """Wait until all delayed bytes are delivered, and stop delaying."""
        await trio.lowlevel.checkpoint()
        if self._delay_line is not None:
            await self._delay_line.wait_empty()
            self._delay_line.stop()
            self._delay_line = None

    async def receive(self, max_bytes: int | None) -> bytes:
        """Receive bytes, once a stall is over; an empty result means end of stream.

        If cancelled, nothing is lost.
        """
        await trio.lowlevel.checkpoint()
        if not self._received and not self.has_sent_fin:
            with trio.CancelScope() as self._receive_scope:
                self._received = bytes(await self._target.inner.receive_some(max_bytes))
        await trio.sleep_until(self._stalled_until)
        data, self._received = self._received, b""
        return data


def _position(fault: Fault) -> int:
    assert fault.at_byte is not None
    return fault.at_byte

"""The reading half of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError
from trio_cartesia._runtime.handler import SessionHandler
from trio_cartesia._runtime.transport.interface import Outcome, Transport

__all__ = ["Reader"]

_DELIVERED: Final = Outcome.DELIVERED  # looked up once: members of an Enum are slow to find


@attrs.define(eq=False)
class Reader:
    """Receives every message and delivers it in the same turn.

    It waits for the network, for an inbox that blocks, and a few turns of the scheduler for
    consumers that are not idle (`Pace`).

    Attributes:
        received_at: When the last message arrived, on Trio's clock.
        is_stalled: True while an inbox that blocks is waited for.
    """

    _transport: Transport
    _handler: SessionHandler[Any]
    _lose: Callable[[CartesiaError], None]
    received_at: float = attrs.field(factory=trio.current_time, init=False)
    is_stalled: bool = attrs.field(default=False, init=False)
    _now: float | None = attrs.field(default=None, init=False)  # the time of the last read
    _is_over: bool = attrs.field(default=False, init=False)

    @enable_ki_protection
    async def read(self) -> None:
        """Read until the connection has ended."""
        try:
            while True:
                self._now = None
                await self._transport.receive(self)
                if self._handler.is_blocked:
                    self.is_stalled = True
                    await self._handler.wait_unblocked()
                    self.is_stalled = False
                elif self._handler.pace.is_ahead:
                    await self._handler.pace.give_turns()
        except CartesiaError as error:
            self._lose(error)

    def handle_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> int:
        """Deliver a message that lies in a buffer (`FrameHandler`)."""
        if self._is_over:
            return _DELIVERED
        if (now := self._now) is None:
            now = self._now = self.received_at = trio.current_time()
        try:
            return self._handler.receive_frame(data, view, start, stop, now)
        except CartesiaError as error:
            self._end(error)
            return _DELIVERED

    def handle_message(self, message: str | bytes) -> None:
        """Deliver a message (`FrameHandler`)."""
        if not self._is_over:
            self.received_at = trio.current_time()
            try:
                self._handler.receive_message(message, self.received_at)
            except CartesiaError as error:
                self._end(error)

    def _end(self, error: CartesiaError) -> None:
        # reading goes on, since the closing handshake may be under way
        self._is_over = True
        self._lose(error)

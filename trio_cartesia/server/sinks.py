"""
Where a context's output goes: events of a WebSocket, of a stream of server-sent events, or bytes.

A context knows what it says and when; a sink knows how that looks on the wire.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import attrs

from . import events
from .journal import SpokenUnit
from .refusals import Refusal, error_event

__all__ = ["EventSink", "Sink"]


class Sink(Protocol):
    """
    The receiving end of one context. Each call returns once its words are on the wire.

    All raise `Disconnected` if nobody is there any more.
    """

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:
        """Take audio in the context's encoding; *step_seconds* is what it took to make."""

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Take when units were spoken; *unit* is ``word`` or ``phoneme``."""

    async def flush_done(self, *, flush_id: int) -> None:
        """Take the end of a segment."""

    async def done(self, *, status: int) -> None:
        """Take the end of the context."""

    async def error(self, refusal: Refusal) -> None:
        """Take the end of a context that failed."""


@attrs.frozen(kw_only=True)
class EventSink:
    """
    Events of one context on `/tts/websocket` (protocol §2.3).

    Attributes:
        emit: Sends one event.
        version: The API version, which decides how errors look.
        request_id: Of the handshake.
    """

    context_id: str
    emit: Callable[[dict[str, Any]], Awaitable[None]]
    version: str
    request_id: str

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:
        """Send a ``chunk``."""
        await self.emit(
            events.chunk(self.context_id, audio, flush_id=flush_id, step_seconds=step_seconds)
        )

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Send ``timestamps`` or ``phoneme_timestamps``."""
        await self.emit(events.times(self.context_id, unit, units, flush_id=flush_id))

    async def flush_done(self, *, flush_id: int) -> None:
        """Send ``flush_done``."""
        await self.emit(events.flush_done(self.context_id, flush_id=flush_id))

    async def done(self, *, status: int) -> None:
        """Send ``done``."""
        await self.emit(events.done(self.context_id, status=status))

    async def error(self, refusal: Refusal) -> None:
        """Send ``error``."""
        await self.emit(
            error_event(
                refusal,
                version=self.version,
                request_id=self.request_id,
                context_id=self.context_id,
            )
        )

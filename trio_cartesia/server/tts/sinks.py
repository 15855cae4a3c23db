"""The interface that a context writes its output to, and its implementation for WebSockets.

A context decides what to send and when; a sink serializes it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import attrs

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.records import SpokenUnit
from trio_cartesia.server.messages.errors import APIError, ErrorBody, error_event
from trio_cartesia.server.tts import events

__all__ = ["EventSink", "Sink"]


class Sink(Protocol):
    """The destination of one context's output. Each call returns once its data is sent.

    All raise `Disconnected` if the peer has left.
    """

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:
        """Send audio in the context's encoding, which took *step_seconds* to make."""

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Send the times of units; *unit* is ``word`` or ``phoneme``."""

    async def flush_done(self, *, flush_id: int) -> None:
        """Report the end of a segment."""

    async def done(self, *, status: int) -> None:
        """Report the end of the context."""

    async def error(self, error: ErrorBody) -> None:
        """Report the error that ends the context."""


@attrs.define(eq=False, kw_only=True)
class EventSink:
    """Events of one context on `/tts/websocket` (protocol §2.3).

    Attributes:
        emit: Sends one event.
        version: The API version, which determines the form of errors.
        request_id: The request id of the handshake.
        behaviour: The behaviour of the service where the protocol is open.
    """

    context_id: str
    emit: Callable[[dict[str, Any]], Awaitable[None]]
    version: str
    request_id: str
    behaviour: Behaviour = attrs.field(factory=Behaviour)
    _has_flushed: bool = attrs.field(default=False, init=False)
    _flush_id: int = attrs.field(default=0, init=False)  # of the last chunk
    _rest: bytes = attrs.field(default=b"", init=False)  # the cut-off end of the last chunk

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:
        """Send a ``chunk``."""
        self._flush_id = flush_id
        if self.behaviour.misaligned_chunks:  # protocol §7.1 T29
            whole = self._rest + audio
            audio, self._rest = whole[:-1], whole[-1:]
        await self._emit(
            events.chunk(self.context_id, audio, flush_id=flush_id, step_seconds=step_seconds)
        )

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Send ``timestamps`` or ``phoneme_timestamps``."""
        await self._emit(events.times(self.context_id, unit, units, flush_id=flush_id))

    async def flush_done(self, *, flush_id: int) -> None:
        """Send ``flush_done``."""
        await self._send_rest()
        self._has_flushed = True
        await self._emit(events.flush_done(self.context_id, flush_id=flush_id))

    async def done(self, *, status: int) -> None:
        """Send ``done``."""
        await self._send_rest()
        await self._emit(events.done(self.context_id, status=status))

    async def error(self, error: ErrorBody) -> None:
        """Send ``error``, and ``done`` after it if so configured (protocol §7.1 T18, T20, T21)."""
        behaviour = self.behaviour
        is_named = behaviour.limit_error_has_context or error.status != 429
        named = self.context_id if is_named and not behaviour.error_without_context else None
        about = {"version": self.version, "request_id": self.request_id}
        await self._emit(error_event(error, context_id=named, **about))
        if behaviour.done_after_error:
            with suppress(APIError):  # an injected fault; the error has been sent
                await self._emit(events.done(self.context_id, status=behaviour.done_status))

    async def _send_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            await self._emit(
                events.chunk(self.context_id, rest, flush_id=self._flush_id, step_seconds=0)
            )

    async def _emit(self, event: events.Event) -> None:
        if not (self._has_flushed or self.behaviour.flush_id_always):  # protocol §7.1 T1
            event.pop("flush_id", None)
        await self.emit(event)

"""Sinks for speech over HTTP: one response body of bytes, or of server-sent events.

Until something has been sent, a sink keeps an error for the endpoint, which can then still respond
with it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import attrs

from trio_cartesia.server.audio.containers import Container
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.records import SpokenUnit
from trio_cartesia.server.messages.errors import ErrorBody, is_structured
from trio_cartesia.server.tts import events
from trio_cartesia.server.tts.sinks import EventSink

__all__ = ["BytesSink", "SseSink"]

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
Send = Callable[[bytes], Awaitable[None]]


@attrs.define(eq=False, kw_only=True)
class BytesSink:
    """The body of `/tts/bytes`: audio in its container, and nothing else (protocol §3.1).

    Attributes:
        container: A new container.
        send: Sends a piece of the body, which may be empty.
        failure: The error that ended the audio, for the endpoint to report.
    """

    container: Container
    send: Send
    failure: ErrorBody | None = attrs.field(default=None, init=False)

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:  # noqa: ARG002  # the signature is given
        """Send the part of the container that *audio* completes."""
        await self.send(self.container.add(audio))

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Ignored: raw audio carries no timestamps."""

    async def flush_done(self, *, flush_id: int) -> None:
        """Ignored: this endpoint sends no ``flush_done``."""

    async def done(self, *, status: int) -> None:  # noqa: ARG002  # the signature is given
        """Send the end of the container."""
        await self.send(self.container.end())

    async def error(self, error: ErrorBody) -> None:
        """Keep *error*."""
        self.failure = error


@attrs.define(eq=False, kw_only=True)
class SseSink:
    """The body of `/tts/sse`: the events of a WebSocket without flush ids (protocol §3.2).

    Attributes:
        context_id: The context id of each event; None for none.
        send: Sends a piece of the body.
        version: The API version, which determines the form of errors.
        request_id: The id of the request.
        behaviour: The behaviour of the service where the protocol is open.
        failure: An error before the first event, for the endpoint to report.
    """

    context_id: str | None
    send: Send
    version: str
    request_id: str
    behaviour: Behaviour
    failure: ErrorBody | None = attrs.field(default=None, init=False)
    _events: EventSink = attrs.field(init=False)
    _has_sent: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._events = EventSink(
            context_id=self.context_id or "",
            emit=self._emit,
            version=self.version,
            request_id=self.request_id,
            behaviour=self.behaviour,
        )

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:
        """Send a ``chunk``."""
        await self._events.chunk(audio, flush_id=flush_id, step_seconds=step_seconds)

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Send ``timestamps`` or ``phoneme_timestamps``."""
        await self._events.times(unit, units, flush_id=flush_id)

    async def flush_done(self, *, flush_id: int) -> None:
        """Ignored: this endpoint sends no ``flush_done``."""

    async def done(self, *, status: int) -> None:
        """Send ``done``."""
        await self._events.done(status=status)

    async def error(self, error: ErrorBody) -> None:
        """Send ``error``, or keep *error* if the stream has not started (protocol §1.7.3)."""
        if self._has_sent:
            await self._events.error(error)
        else:
            self.failure = error

    async def _emit(self, event: events.Event) -> None:
        self._has_sent = True
        event.pop("flush_id", None)
        if self.context_id is None:
            event.pop("context_id", None)
        if "request_id" in event:  # on a WebSocket it would name the context, too
            event["request_id"] = self.request_id
        is_named = event["type"] == "error" and is_structured(self.version)
        name = b"event: error\n" if is_named else b""
        await self.send(b"%sdata: %s\n\n" % (name, _to_json(event).encode()))

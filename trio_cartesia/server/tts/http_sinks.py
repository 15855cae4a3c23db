"""Sinks for speech over HTTP: one response body of bytes, or of server-sent events.

Until something has been sent, a sink keeps an error for the endpoint, which can then still respond
with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import attrs

from trio_cartesia.server.audio.containers import Container
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.records import SpokenUnit
from trio_cartesia.server.messages.errors import ErrorBody, error_event, is_structured
from trio_cartesia.server.tts import events
from trio_cartesia.server.tts.sinks import EventSink

__all__ = ["BytesSink", "ChangerSink", "JoiningSink", "SseSink"]

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
Send = Callable[[bytes], Awaitable[None]]


@attrs.define(eq=False, kw_only=True)
class BytesSink:
    """The body of `/tts/bytes`: audio in its container, and nothing else (protocol §3.1).

    Attributes:
        container: A new container.
        send: Sends a piece of the body, which may be empty.
        digest: The SHA-256 of the body so far.
        size_bytes: The size of the body so far.
        failure: The error that ended the audio, for the endpoint to report.
    """

    container: Container
    send: Send
    digest: Any = attrs.field(factory=hashlib.sha256, repr=False, init=False)
    size_bytes: int = attrs.field(default=0, init=False)
    failure: ErrorBody | None = attrs.field(default=None, init=False)

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:  # noqa: ARG002  # the signature is given
        """Send the part of the container that *audio* completes."""
        await self._send(self.container.add(audio))

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Ignored: raw audio carries no timestamps."""

    async def flush_done(self, *, flush_id: int) -> None:
        """Ignored: this endpoint sends no ``flush_done``."""

    async def done(self, *, status: int) -> None:  # noqa: ARG002  # the signature is given
        """Send the end of the container."""
        await self._send(self.container.end())

    async def error(self, error: ErrorBody) -> None:
        """Keep *error*."""
        self.failure = error

    async def _send(self, data: bytes) -> None:
        self.digest.update(data)
        self.size_bytes += len(data)
        await self.send(data)


@attrs.define(eq=False, kw_only=True)
class JoiningSink(BytesSink):
    """The body of `/infill/bytes`: audio between two recordings, of which each may be empty.

    Attributes:
        left: The audio before, in the encoding of the context.
        right: The audio after.
    """

    left: Iterator[bytes]
    right: Iterator[bytes]

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:  # noqa: ARG002  # the signature is given
        """Send what is left of `left`, and *audio*."""
        for piece in chain(self.left, [audio]):
            await self._send(self.container.add(piece))

    async def done(self, *, status: int) -> None:
        """Send the rest, and the end of the container."""
        for piece in chain(self.left, self.right):
            await self._send(self.container.add(piece))
        await super().done(status=status)


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
        await self.send(_frame(event, self.version))


@attrs.define(eq=False, kw_only=True)
class ChangerSink:
    """The body of `/voice-changer/sse`: events without a type, except errors (protocol §3.4).

    Attributes:
        sample_rate: The frames per second of the audio.
        send: Sends a piece of the body.
        version: The API version, which determines the form of errors.
        request_id: The id of the request.
        failure: An error before the first event, for the endpoint to report.
    """

    sample_rate: int
    send: Send
    version: str
    request_id: str
    failure: ErrorBody | None = attrs.field(default=None, init=False)
    _has_sent: bool = attrs.field(default=False, init=False)

    async def chunk(self, audio: bytes, *, flush_id: int, step_seconds: float) -> None:  # noqa: ARG002  # the signature is given
        """Send a chunk."""
        event = events.chunk("", audio, flush_id=0, step_seconds=step_seconds)
        kept = {name: event[name] for name in ("data", "done", "status_code", "step_time")}
        await self._emit({**kept, "sample_rate": self.sample_rate})

    async def times(self, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> None:
        """Ignored: this endpoint sends no timestamps."""

    async def flush_done(self, *, flush_id: int) -> None:
        """Ignored: this endpoint sends no ``flush_done``."""

    async def done(self, *, status: int) -> None:  # noqa: ARG002  # the signature is given
        """Send the last event, which always has status 200."""
        await self._emit({"done": True, "status_code": 200})

    async def error(self, error: ErrorBody) -> None:
        """Send ``error``, or keep *error* if the stream has not started (protocol §1.7.3)."""
        if not self._has_sent:
            self.failure = error
            return
        about = {"version": self.version, "request_id": self.request_id}
        await self._emit(error_event(error, context_id=None, **about))

    async def _emit(self, event: events.Event) -> None:
        self._has_sent = True
        await self.send(_frame(event, self.version))


def _frame(event: events.Event, version: str) -> bytes:
    is_named = event.get("type") == "error" and is_structured(version)
    name = b"event: error\n" if is_named else b""
    return b"%sdata: %s\n\n" % (name, _to_json(event).encode())

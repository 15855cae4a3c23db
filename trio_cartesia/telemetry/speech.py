"""A span for each connection and each context, and what is measured of contexts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

import attrs
from opentelemetry.trace import Link, Span, SpanKind, Tracer

from trio_cartesia._errors import ConnectionLost, ContextExpired
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._protocol.tts.context_states import End
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia.telemetry.histograms import Histograms
from trio_cartesia.telemetry.recording import Attributes, guarded, note_error

__all__ = ["ConnectionObservation"]

OPERATION: Final = "text_to_speech"


@attrs.define(eq=False)
class ConnectionObservation:
    """The span of one connection, from before the handshake to the end of its block."""

    _tracer: Tracer
    _histograms: Histograms
    _address: Address
    _span: Span | None = attrs.field(default=None, init=False)
    _is_open: bool = attrs.field(default=False, init=False)

    @guarded
    def __enter__(self) -> Self:
        self._span = self._tracer.start_span(
            "cartesia connection",
            kind=SpanKind.CLIENT,
            attributes={**self._server, "network.protocol.name": "websocket"},
        )
        return self

    @guarded
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._span is None:
            return
        if not self._is_open and isinstance(error, Exception):
            note_error(self._span, error)
        self._span.end()

    @guarded
    def note_open(self, request_id: str | None) -> None:
        """Note that the connection is open."""
        self._is_open = True
        if self._span is not None and request_id is not None:
            self._span.set_attribute("cartesia.request_id", request_id)

    @guarded
    def note_left(self, loss: ConnectionLost | None) -> None:
        """Note that the block was left, before or after the connection was lost."""
        if self._span is not None and loss is not None:
            note_error(self._span, loss)

    def open_context(self, entry: ContextEntry) -> Callable[[], None]:
        """Note that a context was opened; return what is called when it leaves the connection."""
        span = self._start_context(entry)
        return partial(self._end_context, entry, span)

    @property
    def _server(self) -> Attributes:
        return {"server.address": self._address.host, "server.port": self._address.port}

    def _operation(self, entry: ContextEntry) -> Attributes:
        return {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": "cartesia",
            "gen_ai.request.model": entry.state.settings.model_id,
            **self._server,
        }

    @guarded
    def _start_context(self, entry: ContextEntry) -> Span:
        links = [] if self._span is None else [Link(self._span.get_span_context())]
        return self._tracer.start_span(
            f"{OPERATION} {entry.state.settings.model_id}",
            kind=SpanKind.CLIENT,
            links=links,
            attributes={
                **self._operation(entry),
                "gen_ai.output.type": "speech",
                "cartesia.context_id": entry.context_id,
            },
        )

    @guarded
    def _end_context(self, entry: ContextEntry, span: Span | None) -> None:
        error = error_of(entry)
        if span is not None:
            if error is not None:
                note_error(span, error)
            span.set_attributes(outcome_of(entry))
            span.end()
        self._record(entry, error)

    def _record(self, entry: ContextEntry, error: Exception | None) -> None:
        timings, to = entry.timings(), self._histograms
        if timings.pushed_at is None or timings.ended_at is None:
            return
        attributes = self._operation(entry)
        if error is not None:
            attributes["error.type"] = type(error).__name__
        to.duration.record(timings.ended_at - timings.pushed_at, attributes)
        if timings.first_audio_seconds is not None and timings.real_time_factor is not None:
            to.first_audio.record(timings.first_audio_seconds, attributes)
            to.audio.record(timings.audio_seconds, attributes)
            to.real_time_factor.record(timings.real_time_factor, attributes)
            to.starved.record(timings.starved_seconds, attributes)


def outcome_of(entry: ContextEntry) -> Attributes:
    """Return how a context ended, in numbers and one word."""
    timings = entry.timings()
    numbers = {
        "cartesia.first_audio_seconds": timings.first_audio_seconds,
        "cartesia.real_time_factor": timings.real_time_factor,
        "cartesia.audio_seconds": timings.audio_seconds,
        "cartesia.starved_seconds": timings.starved_seconds,
    }
    known: Attributes = {name: value for name, value in numbers.items() if value is not None}
    return known | ({"cartesia.end": entry.state.end.value} if entry.state.end else {})


def error_of(entry: ContextEntry) -> Exception | None:
    """Return what a context failed with; a cancelled one has not failed."""
    state = entry.state
    if state.end is End.LOST:
        return ConnectionLost()
    if state.end is End.EXPIRED:
        return ContextExpired()
    return state.failure

"""A span for each session of speech to text, and histograms of its answers and turns."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import attrs
import trio
from opentelemetry.metrics import Histogram
from opentelemetry.trace import Span, SpanKind, Tracer

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics
from trio_cartesia.telemetry.histograms import Histograms
from trio_cartesia.telemetry.recording import Attributes, guarded, note_error

__all__ = ["SessionObservation"]

OPERATION: Final = "speech_to_text"
MARKS: Final = frozenset(  # which become events of the span
    {"finalize", "flush_done", "turn.start", "turn.eager_end", "turn.resume", "turn.end", "error"}
)


@attrs.define(eq=False)
class SessionObservation:
    """The span of one session, from before the handshake to the end of its block."""

    _tracer: Tracer
    _histograms: Histograms
    _address: Address
    _path: str
    _model: str
    _span: Span | None = attrs.field(default=None, init=False)
    _is_open: bool = attrs.field(default=False, init=False)
    _started: float = attrs.field(factory=trio.current_time, init=False)
    _since: dict[str, float] = attrs.field(factory=dict, init=False)  # the last, by what it was
    _error: Exception | None = attrs.field(default=None, init=False)

    @guarded
    def __enter__(self) -> Self:
        self._span = self._tracer.start_span(
            f"{OPERATION} {self._model}",
            kind=SpanKind.CLIENT,
            attributes={
                **self._operation,
                "gen_ai.output.type": "text",
                "network.protocol.name": "websocket",
                "url.path": self._path,
            },
        )
        return self

    @guarded
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_open and isinstance(error, Exception):
            self._error = error
        attributes = self._operation
        if self._error is not None:
            attributes["error.type"] = type(self._error).__name__
        if self._span is not None:
            if self._error is not None:
                note_error(self._span, self._error)
            self._span.end()
        if self._is_open or self._error is not None:  # what was cancelled is not measured
            self._histograms.duration.record(trio.current_time() - self._started, attributes)

    @guarded
    def note_open(self, request_id: str | None) -> None:
        """Note that the connection is open."""
        self._is_open = True
        if self._span is not None and request_id is not None:
            self._span.set_attribute("cartesia.request_id", request_id)

    @guarded
    def note_sent(self, payload: str | bytes | None) -> None:
        """Note that audio or a command is on the wire."""
        if payload == "finalize":
            self._mark("finalize")

    @guarded
    def note_event(self, kind: str) -> None:
        """Note that an event of that type has come."""
        to = self._histograms
        self._mark(kind)
        if kind in ("flush_done", "error"):
            self._measure(to.finalize, "finalize")
        elif kind == "turn.resume":
            self._since.pop("turn.eager_end", None)
        elif kind == "turn.end":
            self._measure(to.turn, "turn.start")
            self._measure(to.eager_end, "turn.eager_end")

    @guarded
    def note_left(self, statistics: TranscriptionStatistics, loss: ConnectionLost | None) -> None:
        """Note that the block was left, before or after the connection was lost."""
        to, has_ended = self._histograms, statistics.state in ("done", "lost")
        if statistics.state == "lost":
            self._error = loss
        if self._span is not None:
            self._span.set_attributes(
                {
                    "cartesia.end": statistics.state if has_ended else "left",
                    "cartesia.audio_seconds": statistics.audio_seconds_sent,
                    "cartesia.audio_bytes": statistics.audio_bytes_sent,
                    "cartesia.events": statistics.events_received,
                    "cartesia.errors": statistics.errors_received,
                }
            )
        to.audio.record(statistics.audio_seconds_sent, self._operation)
        to.audio_size.record(statistics.audio_bytes_sent, self._operation)

    @property
    def _operation(self) -> Attributes:
        return {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": "cartesia",
            "gen_ai.request.model": self._model,
            "server.address": self._address.host,
            "server.port": self._address.port,
        }

    def _mark(self, what: str) -> None:
        if what in MARKS:
            self._since[what] = trio.current_time()
            if self._span is not None:
                self._span.add_event(what)

    def _measure(self, histogram: Histogram, since: str) -> None:
        """Record the time since something came, if it has."""
        if (started := self._since.pop(since, None)) is not None:
            histogram.record(trio.current_time() - started, self._operation)

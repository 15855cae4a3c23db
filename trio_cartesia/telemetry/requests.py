"""A span for each request over HTTP, and a histogram of their durations.

Names are those of OpenTelemetry's conventions for HTTP clients. A request that is sent again after
a failure has a span for each time.
"""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import attrs
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import Span, SpanKind, Tracer

from trio_cartesia._errors import CartesiaError
from trio_cartesia._http.requests import Request, ResponseInfo
from trio_cartesia.telemetry.recording import Attributes, guarded, note_error

__all__ = ["RequestObservation", "duration_histogram"]

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PORTS: Final = {"https": 443, "http": 80}


def duration_histogram(meter: Meter) -> Histogram:
    """Create the histogram of durations."""
    return meter.create_histogram(
        "http.client.request.duration",
        "s",
        "From before a request is sent until the head of its response has come.",
        explicit_bucket_boundaries_advisory=SECONDS,
    )


@attrs.define(eq=False)
class RequestObservation:
    """The span of one request, until the head of its response has come, or the body of an error.

    Attributes:
        resend_count: How often it was sent before.
    """

    _tracer: Tracer
    _durations: Histogram
    _request: Request
    _base_url: str
    resend_count: int
    _span: Span | None = attrs.field(default=None, init=False)
    _attributes: Attributes = attrs.field(factory=dict, init=False)
    _started: float = attrs.field(factory=perf_counter, init=False)

    @guarded
    def __enter__(self) -> Self:
        url, template = urlsplit(self._base_url), self._request.template
        self._attributes = {
            "http.request.method": self._request.method,
            "server.address": url.hostname or "",
            "server.port": url.port or PORTS[url.scheme],
        }
        if template is not None:
            self._attributes["url.template"] = template
        self._span = self._tracer.start_span(
            f"{self._request.method} {template or ''}".rstrip(),
            kind=SpanKind.CLIENT,
            attributes={**self._attributes, "url.full": f"{self._base_url}{self._request.path}"},
        )
        if self.resend_count:
            self._span.set_attribute("http.request.resend_count", self.resend_count)
        return self

    @guarded
    def note_response(self, info: ResponseInfo) -> None:
        """Note the head of a response that is no error."""
        self._attributes["http.response.status_code"] = info.status_code
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", info.status_code)
            if info.request_id is not None:
                self._span.set_attribute("cartesia.request_id", info.request_id)

    @guarded
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self._attributes["error.type"] = type(error).__name__
            if isinstance(error, CartesiaError) and error.status_code is not None:
                self._attributes["http.response.status_code"] = error.status_code
        if self._span is not None:
            if isinstance(error, Exception):
                note_error(self._span, error)
            self._span.end()
        if error is None or "error.type" in self._attributes:  # what was cancelled is not measured
            self._durations.record(perf_counter() - self._started, self._attributes)

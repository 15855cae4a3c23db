"""OpenTelemetry: spans and histograms of contexts, sessions and requests (extra ``otel``).

Nothing of it is loaded or done unless `instrument` was called. No text, audio, key or query is
recorded; errors are recorded by their class and the service's codes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trio_cartesia._client.client import Cartesia
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._version import __version__

try:
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import TracerProvider, get_tracer
except ImportError as error:
    raise ImportError(
        "trio_cartesia.telemetry needs OpenTelemetry: pip install 'trio-cartesia[otel]'"
    ) from error

from trio_cartesia.telemetry.histograms import Histograms
from trio_cartesia.telemetry.recording import NAME
from trio_cartesia.telemetry.requests import RequestObservation, duration_histogram
from trio_cartesia.telemetry.speech import ConnectionObservation
from trio_cartesia.telemetry.transcription import SessionObservation

if TYPE_CHECKING:
    from trio_cartesia.blocking import Cartesia as BlockingCartesia

__all__ = ["instrument"]


def instrument(
    client: Cartesia | BlockingCartesia,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
) -> None:
    """Record spans and metrics of what *client* opens and sends from now on.

    A span is a child of the one that is current where the connection, context or session is opened,
    or the request is sent. The spans and metrics are listed in the how-to on OpenTelemetry. An
    exporter or processor that raises harms neither speech nor requests. A second call replaces the
    first.

    Args:
        client: A `Cartesia` of either face; the connections of its pools are recorded, too.
        tracer_provider: Makes the tracer; by default, the global one.
        meter_provider: Makes the meter; by default, the global one.

    Raises:
        LocalProtocolError: *client* is not a `Cartesia`.
    """
    inner = getattr(client, "_inner", client)  # of a blocking client
    if not isinstance(inner, Cartesia):
        kind = type(client).__name__
        raise LocalProtocolError(f"client must be a Cartesia, not {kind}")
    tracer = get_tracer(NAME, __version__, tracer_provider)
    meter = get_meter(NAME, __version__, meter_provider)
    endpoint = inner.tts._endpoint
    histograms = Histograms.make(meter)
    endpoint.observe = partial(ConnectionObservation, tracer, histograms)
    endpoint.observe_session = partial(SessionObservation, tracer, histograms)
    endpoint.connections.observe = partial(RequestObservation, tracer, duration_histogram(meter))

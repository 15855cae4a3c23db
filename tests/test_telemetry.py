"""OpenTelemetry: what is recorded of connections, contexts and requests, and what never is."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.security.canaries import KEY, TEXT
from tests.support import SETTINGS
from trio_cartesia import Cartesia, CartesiaError, LocalProtocolError
from trio_cartesia.blocking import Cartesia as BlockingCartesia
from trio_cartesia.server import open_server
from trio_cartesia.telemetry import instrument
from trio_cartesia.testing import connect_in_memory, service_in_thread

CONNECTION, CONTEXT = "cartesia connection", "text_to_speech sonic-latest"
OPERATION = {
    "gen_ai.operation.name": "text_to_speech",
    "gen_ai.provider.name": "cartesia",
    "gen_ai.request.model": "sonic-latest",
    "server.address": "127.0.0.1",
}


@attrs.define
class Recorded:
    """What was exported."""

    tracer_provider: TracerProvider
    meter_provider: MeterProvider
    _spans: InMemorySpanExporter
    _metrics: InMemoryMetricReader

    def spans(self) -> list[ReadableSpan]:
        """Return the spans that have ended, in the order of their ends."""
        return list(self._spans.get_finished_spans())

    def span(self, name: str) -> ReadableSpan:
        (found,) = [span for span in self.spans() if span.name == name]
        return found

    def metrics(self) -> Iterator[tuple[str, dict[str, object], float]]:
        """Yield the name, attributes and sum of everything that was measured."""
        data = self._metrics.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        assert point.count == 1
                        yield metric.name, dict(point.attributes), point.sum

    def as_text(self) -> str:
        """Return everything that was exported."""
        return json.dumps([*map(str, self.metrics())]) + "".join(
            span.to_json() for span in self.spans()
        )


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    tracer_provider = TracerProvider(shutdown_on_exit=False)
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    meter_provider = MeterProvider([metrics], shutdown_on_exit=False)
    yield Recorded(tracer_provider, meter_provider, spans, metrics)
    tracer_provider.shutdown()
    meter_provider.shutdown()


@asynccontextmanager
async def instrumented(
    recorded: Recorded, fault: str = "", **options: Any
) -> AsyncIterator[Cartesia]:
    async with (
        open_server(port=None, voice="tones", api_keys=[KEY], **options) as server,
        connect_in_memory(server) as open_stream,
    ):
        client = Cartesia(
            KEY,
            base_url="http://127.0.0.1",
            open_stream=open_stream,
            headers={"X-Fault": fault} if fault else {},
        )
        instrument(
            client,
            tracer_provider=recorded.tracer_provider,
            meter_provider=recorded.meter_provider,
        )
        yield client


async def test_a_context_has_a_span_and_its_timings_are_measured(recorded, autojump_clock):
    """A connection and a context have spans under the caller's own, linked to one another, and what
    is measured is what `Timings` says.
    """
    tracer = recorded.tracer_provider.get_tracer("tests")
    async with instrumented(recorded, "latency seconds=0.25") as client:
        with tracer.start_as_current_span("turn") as turn:
            async with client.tts.websocket_connect() as connection:
                with tracer.start_as_current_span("answer") as answer:
                    async with connection.speak("Hello.", context_id="a", **SETTINGS) as context:
                        timings = (await context.collect()).timings
    opened, spoken = recorded.span(CONNECTION), recorded.span(CONTEXT)
    assert opened.parent.span_id == turn.get_span_context().span_id
    assert spoken.parent.span_id == answer.get_span_context().span_id
    assert [link.context.span_id for link in spoken.links] == [opened.context.span_id]
    assert opened.status.status_code is spoken.status.status_code is StatusCode.UNSET
    assert opened.attributes["network.protocol.name"] == "websocket"
    assert opened.attributes["cartesia.request_id"] == connection.request_id
    assert spoken.attributes["cartesia.context_id"] == "a"
    assert spoken.attributes["cartesia.end"] == "done"
    assert spoken.attributes["cartesia.first_audio_seconds"] == timings.first_audio_seconds >= 0.25
    assert OPERATION.items() <= spoken.attributes.items()
    measured = {name: (attributes, value) for name, attributes, value in recorded.metrics()}
    assert {name: value for name, (_, value) in measured.items()} == {
        "gen_ai.client.operation.duration": timings.ended_at - timings.pushed_at,
        "gen_ai.client.operation.time_to_first_chunk": timings.first_audio_seconds,
        "cartesia.client.audio.duration": timings.audio_seconds,
        "cartesia.client.real_time_factor": timings.real_time_factor,
        "cartesia.client.starved.duration": timings.starved_seconds,
    }
    for attributes, _ in measured.values():
        assert attributes == OPERATION | {"server.port": 80}


@pytest.mark.parametrize(
    ("fault", "kind", "codes"),
    [
        ("quota_exceeded at_frame=2", "QuotaExceeded", {"cartesia.error_code": "quota_exceeded"}),
        ("reset at_frame=2", "ConnectionLost", {}),
        ("bad_base64 at_frame=1", "RemoteProtocolError", {}),
        ("stall at_frame=1", "ContextStalled", {}),
    ],
)
async def test_errors_are_recorded_by_their_class(fault, kind, codes, recorded, autojump_clock):
    """A context that fails has an error with its class and the service's codes, in its span and in
    the metrics; so has the connection, if it was lost.
    """
    async with instrumented(recorded, fault) as client:
        async with client.tts.websocket_connect(stall_seconds=1) as connection:
            async with connection.speak("Hello. " * 20, **SETTINGS) as context:
                with pytest.raises(CartesiaError):
                    await context.collect()
    opened, spoken = recorded.span(CONNECTION), recorded.span(CONTEXT)
    assert spoken.status.status_code is StatusCode.ERROR
    assert spoken.attributes["error.type"] == kind
    assert codes.items() <= spoken.attributes.items()
    assert opened.attributes.get("error.type") == ("ConnectionLost" if "reset" in fault else None)
    durations = [
        attributes
        for name, attributes, _ in recorded.metrics()
        if name == "gen_ai.client.operation.duration"
    ]
    assert [attributes["error.type"] for attributes in durations] == [kind]


async def test_what_was_cancelled_has_not_failed(recorded, autojump_clock):
    """A context whose block is left early is cancelled, and one that was never pushed to is not
    measured.
    """
    async with instrumented(recorded) as client, client.tts.websocket_connect() as connection:
        async with connection.speak("Hello. " * 20, **SETTINGS) as context:
            await anext(context.receive())
        async with connection.context(**SETTINGS, context_id="unused"):
            pass
    cancelled, unused, opened = recorded.spans()
    assert cancelled.attributes["cartesia.end"] == unused.attributes["cartesia.end"] == "cancelled"
    for span in (cancelled, unused, opened):
        assert span.status.status_code is StatusCode.UNSET
    names = [name for name, _, _ in recorded.metrics()]
    assert names.count("gen_ai.client.operation.duration") == 1


async def test_what_the_block_raises_is_no_error_of_the_connection(recorded, autojump_clock):
    """An exception of the caller's own ends the blocks, and no span says that anything failed."""
    async with instrumented(recorded) as client:
        with pytest.raises(ValueError, match="mine"):
            async with (
                client.tts.websocket_connect() as connection,
                connection.context(**SETTINGS),
            ):
                raise ValueError("mine")
    for span in recorded.spans():
        assert span.status.status_code is StatusCode.UNSET
    assert "ValueError" not in recorded.as_text()


async def test_a_refused_handshake_is_an_error_of_the_connection(recorded, autojump_clock):
    """The span of a connection that was refused says which class and which status."""
    async with instrumented(recorded, "refused_handshake status=429") as client:
        with pytest.raises(CartesiaError):
            async with client.tts.websocket_connect():
                pass
    (span,) = recorded.spans()
    assert span.attributes["error.type"] == "ConcurrencyLimited"
    assert span.attributes["http.response.status_code"] == 429


async def test_contexts_of_a_pool_have_spans(recorded, autojump_clock):
    """A pool's contexts are children of the span where they were opened."""
    tracer = recorded.tracer_provider.get_tracer("tests")
    async with instrumented(recorded) as client, client.tts.websocket_pool(max_contexts=1) as pool:
        with tracer.start_as_current_span("answer") as answer:
            async with pool.speak("Hello.", **SETTINGS) as context:
                await context.collect()
    span = recorded.span(CONTEXT)
    assert span.parent.span_id == answer.get_span_context().span_id
    assert span.attributes["cartesia.end"] == "done"


@pytest.mark.slow
def test_a_blocking_client_is_recorded_too(recorded):
    """The spans of a blocking client are children of the span of the thread that speaks."""
    tracer = recorded.tracer_provider.get_tracer("tests")
    with (
        service_in_thread(voice="tones") as service,
        BlockingCartesia(base_url=service.url) as client,
    ):
        instrument(client, tracer_provider=recorded.tracer_provider)
        with client.tts.websocket_connect() as connection:
            with tracer.start_as_current_span("answer") as answer:
                with connection.speak("Hello.", **SETTINGS) as context:
                    context.collect()
    span = recorded.span(CONTEXT)
    assert span.parent.span_id == answer.get_span_context().span_id


@pytest.mark.parametrize("fault", ["", "quota_exceeded at_frame=2"])
async def test_neither_speech_nor_keys_are_recorded(fault, recorded, autojump_clock):
    """No attribute, name or event holds the text, its words or the key."""
    async with instrumented(recorded, fault) as client:
        async with client.tts.websocket_connect() as connection:
            async with connection.speak(f"{TEXT} " * 9, add_timestamps=True, **SETTINGS) as context:
                try:
                    await context.collect()
                except CartesiaError:
                    assert fault
    text = recorded.as_text()
    assert "sonic-latest" in text
    assert TEXT not in text
    assert KEY not in text


REQUEST = {
    "http.request.method": "GET",
    "server.address": "127.0.0.1",
    "server.port": 80,
    "url.template": "/voices/{id}",
}


async def test_a_request_has_a_span_under_the_caller_s_own(recorded, autojump_clock):
    """Names are those of the conventions for HTTP clients; the query is left out of the URL."""
    tracer, infos = recorded.tracer_provider.get_tracer("tests"), []
    async with instrumented(recorded) as client, client:
        with tracer.start_as_current_span("choice") as choice:
            await client.voices.get(
                SETTINGS["voice"], extra_query={"q": TEXT}, on_response=infos.append
            )
        await client.request("GET", "/voices", query={"q": TEXT})
    span = recorded.span("GET /voices/{id}")
    assert span.parent.span_id == choice.get_span_context().span_id
    assert dict(span.attributes) == REQUEST | {
        "url.full": f"http://127.0.0.1/voices/{SETTINGS['voice']}",
        "http.response.status_code": 200,
        "cartesia.request_id": infos[0].request_id,
    }
    assert recorded.span("GET").attributes["url.full"] == "http://127.0.0.1/voices"
    measured = [attributes for _, attributes, _ in recorded.metrics()]
    assert REQUEST | {"http.response.status_code": 200} in measured
    assert {name for name, _, _ in recorded.metrics()} == {"http.client.request.duration"}
    assert TEXT not in recorded.as_text()
    assert KEY not in recorded.as_text()


async def test_a_request_that_is_sent_again_has_a_span_for_each_time(recorded, autojump_clock):
    """Each says how often it was sent before, and what it failed with."""
    async with instrumented(recorded, "refused_handshake status=503") as client, client:
        with pytest.raises(CartesiaError):
            await client.voices.get(SETTINGS["voice"])
    spans = recorded.spans()
    counts = [span.attributes.get("http.request.resend_count") for span in spans]
    assert counts == [None, 1, 2]
    for span in spans:
        assert span.status.status_code is StatusCode.ERROR
        assert span.attributes["error.type"] == "ServiceFailed"
        assert span.attributes["http.response.status_code"] == 503
        assert span.attributes["cartesia.request_id"]


async def test_a_request_that_is_cancelled_has_not_failed(recorded, autojump_clock):
    """Its span ends without an error, and its duration is not measured."""
    async with instrumented(recorded, "latency seconds=5") as client, client:
        with trio.move_on_after(1):
            await client.voices.get(SETTINGS["voice"])
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in span.attributes
    assert not list(recorded.metrics())


class Broken(SpanProcessor):
    """A processor that always raises."""

    def on_start(self, *_: object, **__: object) -> None:
        raise RuntimeError("it cannot start")

    def on_end(self, *_: object) -> None:
        raise RuntimeError("it cannot end")


async def test_a_processor_that_raises_harms_no_speech(recorded, autojump_clock):
    """Whatever OpenTelemetry raises, speech is whole, and requests are answered."""
    recorded.tracer_provider.add_span_processor(Broken())
    async with instrumented(recorded) as client, client.tts.websocket_connect() as connection:
        async with connection.speak("Hello.", **SETTINGS) as context:
            assert (await context.collect()).complete
        async with client:
            assert await client.voices.get(SETTINGS["voice"])
    await trio.lowlevel.checkpoint()


def test_what_is_no_client_is_refused():
    """The error names what was given."""
    with pytest.raises(LocalProtocolError, match="client must be a Cartesia, not int"):
        instrument(7)  # type: ignore[arg-type]


def test_without_opentelemetry_the_import_says_what_to_install(monkeypatch):
    """The module cannot be imported where the extra is missing, and says so."""
    monkeypatch.delitem(sys.modules, "trio_cartesia.telemetry")
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(ImportError, match=r"trio-cartesia\[otel\]"):
        import trio_cartesia.telemetry  # noqa: F401

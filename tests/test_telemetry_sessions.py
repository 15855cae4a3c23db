"""OpenTelemetry: what is recorded of sessions of speech to text, and what never is."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from opentelemetry.trace import StatusCode

from tests.security.canaries import KEY, TERM, TEXT
from tests.server.stt.support import Marked, marked_score, said, speech
from tests.test_telemetry import Broken, instrumented, recorded
from trio_cartesia import CartesiaError, ConnectionLost, Reconnect

__all__ = ["marked_score", "recorded"]

SPAN = "speech_to_text ink-2"
SETTINGS: Any = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
OPERATION = {
    "gen_ai.operation.name": "speech_to_text",
    "gen_ai.provider.name": "cartesia",
    "gen_ai.request.model": "ink-2",
    "server.address": "127.0.0.1",
    "server.port": 80,
}
AUDIO = said(1, 2) + speech(score=30) + said(3) + 2 * speech()  # a turn of 1.3 s


async def test_a_session_has_a_span_and_its_answers_are_measured(recorded, autojump_clock):
    """The span is a child of the caller's own; the time from `finalize` to its answer and the audio
    that was sent are measured.
    """
    tracer = recorded.tracer_provider.get_tracer("tests")
    latency = "latency seconds=0.25"
    async with instrumented(recorded, latency, recognizer=Marked()) as client:
        with tracer.start_as_current_span("call") as call:
            async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
                await session.feed(AUDIO)
                await session.finalize()
    span = recorded.span(SPAN)
    assert span.parent.span_id == call.get_span_context().span_id
    assert span.status.status_code is StatusCode.UNSET
    expected = OPERATION | {
        "gen_ai.output.type": "text",
        "network.protocol.name": "websocket",
        "url.path": "/stt/websocket",
        "cartesia.request_id": session.request_id,
        "cartesia.end": "done",
        "cartesia.audio_seconds": len(AUDIO) / 32000,
        "cartesia.audio_bytes": len(AUDIO),
        "cartesia.events": session.statistics().events_received,
        "cartesia.errors": 0,
    }
    assert dict(span.attributes) == expected
    assert [event.name for event in span.events] == ["finalize", "flush_done"]
    measured = {name: value for name, attributes, value in recorded.metrics()}
    assert measured == {
        "gen_ai.client.operation.duration": pytest.approx(len(AUDIO) / 32000 + 1, abs=0.3),
        "cartesia.client.audio.duration": len(AUDIO) / 32000,
        "cartesia.client.audio.size": len(AUDIO),
        "cartesia.client.finalize.duration": pytest.approx(0.25),
    }
    assert all(attributes == OPERATION for _, attributes, _ in recorded.metrics())


async def test_turns_are_measured_and_are_events_of_the_span(recorded, autojump_clock):
    """A turn lasts from its start to its end, and its last eager end comes before that."""
    async with instrumented(recorded, recognizer=Marked()) as client:
        async with client.stt.auto_finalize.websocket(**SETTINGS) as session:
            await session.feed(AUDIO)
            await session.no_more_audio()
            async for turn in session.turns():
                await turn.end()
    span = recorded.span(SPAN)
    assert span.attributes["url.path"] == "/stt/turns/websocket"
    names = ["turn.start", "turn.eager_end", "turn.resume", "turn.end"]
    assert [event.name for event in span.events] == names
    measured = {name: value for name, _, value in recorded.metrics()}
    assert measured["cartesia.client.turn.duration"] == pytest.approx(1.3, abs=0.1)
    assert "cartesia.client.eager_end.duration" not in measured  # the user went on


@pytest.mark.parametrize("fault", ["reset at_frame=2", "quota_exceeded at_frame=2"])
async def test_a_lost_session_is_an_error(fault, recorded, autojump_clock):
    """The span and the duration say which class; error events are counted."""
    async with instrumented(recorded, fault, recognizer=Marked()) as client:
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            with pytest.raises(ConnectionLost):
                while True:
                    await session.feed(AUDIO)
    span = recorded.span(SPAN)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == "ConnectionLost"
    assert span.attributes["cartesia.end"] == "lost"
    assert span.attributes["cartesia.errors"] == ("quota" in fault)
    durations = [a for name, a, _ in recorded.metrics() if "operation" in name]
    assert durations == [OPERATION | {"error.type": "ConnectionLost"}]


async def test_a_refused_session_and_one_that_is_left(recorded, autojump_clock):
    """A refusal is an error with its status; leaving the block early is none."""
    async with instrumented(recorded, "refused_handshake status=429") as client:
        with pytest.raises(CartesiaError):
            await client.stt.auto_finalize.websocket(**SETTINGS).__aenter__()
    async with instrumented(recorded) as client:
        with trio.move_on_after(1):
            async with client.stt.auto_finalize.websocket(**SETTINGS):
                await trio.sleep_forever()
    refused, left = recorded.spans()
    assert refused.attributes["error.type"] == "ConcurrencyLimited"
    assert refused.attributes["http.response.status_code"] == 429
    assert left.attributes["cartesia.end"] == "left"
    assert left.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("fault", ["", "quota_exceeded at_frame=3", "malformed_json at_frame=3"])
@pytest.mark.parametrize("kind", ["manual_finalize", "auto_finalize"])
async def test_neither_text_nor_keyterms_are_recorded(
    kind, fault, recorded, autojump_clock, monkeypatch
):
    """No attribute, name or event holds the text, a keyterm, the query or the key."""
    monkeypatch.setattr("tests.server.stt.support.WORDS", (TEXT,))
    async with instrumented(recorded, fault, recognizer=Marked()) as client:
        opening = getattr(client.stt, kind).websocket(**SETTINGS, keyterms=[TERM])
        with trio.move_on_after(60):
            async with opening as session:
                try:
                    await session.feed(AUDIO)
                except CartesiaError:
                    assert fault
    text = recorded.as_text()
    assert "ink-2" in text
    assert not any(secret in text for secret in (TEXT, TERM, "keyterm", KEY))


async def test_a_processor_that_raises_harms_no_session(recorded, autojump_clock):
    """Whatever OpenTelemetry raises, the text is whole."""
    recorded.tracer_provider.add_span_processor(Broken())
    async with instrumented(recorded, recognizer=Marked()) as client:
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            await session.feed(AUDIO)
            assert await session.finalize() == "one two three"
    assert session.is_complete


async def test_a_session_that_reconnects_has_one_span(recorded, autojump_clock):
    """However many connections it may take, it is one session, from its first handshake on."""
    async with instrumented(recorded, recognizer=Marked()) as client:
        opening = client.stt.manual_finalize.websocket(**SETTINGS, reconnect=Reconnect())
        async with opening as session:
            await session.feed(AUDIO)
            await session.finalize()
    span = recorded.span(SPAN)
    assert span.attributes["cartesia.end"] == "done"
    assert span.attributes["cartesia.audio_bytes"] == len(AUDIO)
    assert [event.name for event in span.events] == ["finalize", "flush_done"]

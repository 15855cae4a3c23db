from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import (
    LEGACY,
    NOW,
    WAV_S16,
    Failing,
    an_error,
    frames,
    over_http,
    speech,
)
from tests.server.support import (
    TWO_SENTENCES,
    Json,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
    words,
)
from trio_cartesia.server import Behaviour

TIMES: Json = {"add_timestamps": True, "add_phoneme_timestamps": True}
FIELDS = {
    "chunk": {"type", "data", "done", "status_code", "step_time"},
    "timestamps": {"type", "word_timestamps", "done", "status_code"},
    "phoneme_timestamps": {"type", "phoneme_timestamps", "done", "status_code"},
    "done": {"type", "done", "status_code"},
}


@given(
    text=st.text(st.sampled_from("abé .!?"), min_size=1, max_size=40),
    context_id=st.none() | st.text(min_size=1, max_size=10),
    options=st.fixed_dictionaries({}, optional=dict.fromkeys(TIMES, st.booleans())),
)
@on_virtual_time
async def test_events_are_those_of_a_websocket(
    text: str, context_id: str | None, options: Json
) -> None:
    """Audio and times are the same as on a WebSocket; events name no flush, and their context only
    if the request did; `done` comes last.
    """
    async with over_http() as (client, _):
        answer = await client.sse(text, context_id=context_id, **options)
    async with connected() as (socket, _):
        expected = await socket.speak(generation("c", text, **options))
    assert answer.status == 200
    assert [name for name, _ in frames(answer.body)] == [None] * len(answer.events)
    assert kinds(answer.events) == kinds(expected)
    for event, other in zip(answer.events, expected, strict=True):
        own = set() if context_id is None else {"context_id"}
        assert set(event) == FIELDS[event["type"]] | own
        assert event.get("context_id") == context_id
        for name in set(event) - {"context_id", "step_time"}:
            assert event[name] == other[name]


@on_virtual_time
async def test_a_stream_has_its_headers_and_its_end() -> None:
    """The stream says that it is one, comes in chunks and is not kept by anybody on its way."""
    async with over_http() as (client, server):
        answer = await client.sse(TWO_SENTENCES, context_id="s-1", **TIMES)
        (record,) = server.journal.contexts
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.audio == await tones(TWO_SENTENCES)
    assert [word for word, _, _ in words(answer.events)] == TWO_SENTENCES.split()
    assert answer.events[-1] == {
        "type": "done",
        "done": True,
        "status_code": 206,
        "context_id": "s-1",
    }
    assert (record.context_id, record.path, record.ended) == ("s-1", "/tts/sse", "done")


@on_virtual_time
async def test_behaviour_counts_here_too() -> None:
    """What the protocol leaves open is as the service was told: the order of times, the cuts,
    `done`.
    """
    behaviour = Behaviour(timestamps_first=True, done_status=200, misaligned_chunks=True)
    async with over_http(behaviour=behaviour) as (client, _):
        answer = await client.sse("Hi.", add_timestamps=True)
    assert kinds(answer.events) == ["timestamps", "chunk", "chunk", "done"]
    assert answer.events[-1]["status_code"] == 200
    assert answer.audio == await tones("Hi.")


@on_virtual_time
async def test_blanks_are_just_done() -> None:
    """A text that makes no sound is a stream with its last event alone."""
    async with over_http() as (client, _):
        assert kinds((await client.sse(" ")).events) == ["done"]


@pytest.mark.parametrize("container", ["wav", "mp3", None])
@on_virtual_time
async def test_events_carry_raw_audio_alone(container: str | None) -> None:
    """Containers are for bytes."""
    output = {**WAV_S16, "container": container, "bit_rate": 128000}
    async with over_http() as (client, _):
        answer = await client.sse("Hi.", output_format=output)
        assert an_error(answer, 400)
        assert "output_format.container" in answer.json["message"]


@pytest.mark.parametrize("context_id", ["", 7, ["c"], "c" * 1025])
@on_virtual_time
async def test_a_context_id_is_a_short_string(context_id: object) -> None:
    """What could not be the id of a context on a WebSocket cannot be one here."""
    async with over_http() as (client, _):
        answer = await client.sse("Hi.", context_id=context_id)
        assert an_error(answer, 400)
        assert "context_id" in answer.json["message"]


@on_virtual_time
async def test_save_is_not_for_events() -> None:
    """Nothing of a stream of events is kept as a file."""
    async with over_http() as (client, _):
        assert "cartesia-file-id" not in (await client.sse("Hi.", save=True)).headers


@pytest.mark.parametrize("context_id", [None, "s-1"])
@on_virtual_time
async def test_a_failure_in_the_stream_is_its_last_event(context_id: str | None) -> None:
    """A voice that fails in the middle ends the stream with an event of that name; the body is
    whole, and the connection serves the next request.
    """
    async with over_http(voice=Failing(1)) as (client, server):
        answer = await client.sse(TWO_SENTENCES, context_id=context_id)
        assert answer.status == 200
        *before, (name, error) = frames(answer.body)
        assert {name for name, _ in before} == {None}
        assert {event["type"] for _, event in before} == {"chunk"}
        assert name == "error"
        assert (error["type"], error["done"], error["status_code"]) == ("error", True, 500)
        assert error["request_id"] == answer.headers["x-request-id"]
        assert error["title"]
        assert error["message"]
        assert error.get("context_id") == context_id
        assert server.journal.contexts[0].ended == "error"
        assert (await client.ask("GET", "/")).status == 200


@on_virtual_time
async def test_older_versions_have_errors_of_another_shape() -> None:
    """Before 2026-03-01 the event has no name, and the error is one string."""
    async with over_http(voice=Failing(1)) as (client, _):
        both = [
            await client.ask("POST", "/tts/sse", speech(TWO_SENTENCES), headers)
            for headers in (LEGACY, NOW)
        ]
    name, error = frames(both[0].body)[-1]
    assert name is None
    assert set(error) == {"type", "done", "status_code", "error"}
    assert error["error"].startswith("Internal server error: ")
    assert an_error(both[1], 500)

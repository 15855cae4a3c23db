from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.server.http_client import HttpClient, dial, over_http, speech
from tests.server.stt.support import MANUAL, target
from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    Json,
    connect,
    connected,
    generation,
    on_virtual_time,
)
from trio_cartesia import __version__
from trio_cartesia.server import Behaviour, Fault

STATE = "/_local/state"
PAGE = Path(__file__).parents[3] / "docs/reference/local-state.md"


async def state(client: HttpClient, query: str = "") -> Json:
    answer = await client.ask("GET", STATE + query)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    return answer.json


def documented(section: str) -> set[str]:
    """The keys in the tables of a section of the page."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    columns = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for column in columns for name in re.findall(r"`(\w+)`", column)}


@on_virtual_time
async def test_what_is_held_to_recognise_speech() -> None:
    """The state has the statistics of the recogniser; only the service's own speech is held."""
    async with connected(recognizer="own") as (client, server), trio.open_nursery() as nursery:
        http = dial(server, nursery)
        assert (await state(http))["recognition"] == {"contexts": 0, "seconds": 0, "held_bytes": 0}
        await client.speak(generation("a", TWO_SENTENCES))
        listener = await connect(server, nursery, target(MANUAL))
        await listener.send(bytes(3200))
        await listener.ask("close")
        held = (await state(http))["recognition"]
        assert held == attrs.asdict(server.statistics())["recognition"]
        assert held["contexts"] == 1
        spoken = server.journal.context("a").audio_seconds
        assert spoken - 0.13 < held["seconds"] <= spoken  # the resampler has the rest
        nursery.cancel_scope.cancel()
    async with over_http(recognizer="none") as (http, server):
        assert (await state(http))["recognition"] is None


@on_virtual_time
async def test_what_was_said_is_told_over_http() -> None:
    """The state of a context is what the client asked for and, to the byte, what it heard."""
    async with connected() as (client, server), trio.open_nursery() as nursery:
        await client.speak(generation("a", TWO_SENTENCES, add_timestamps=True))
        record = server.journal.context("a")
        told = await state(dial(server, nursery), "?audio=base64")
        (context,) = told["contexts"]
        assert base64.b64decode(context["audio"], validate=True) == record.audio
        assert context["audio_sha256"] == hashlib.sha256(record.audio).hexdigest()
        assert context["transcript"] == TWO_SENTENCES
        assert context["word_timestamps"] == {
            "words": TWO_SENTENCES.split(),
            "start": [word.start for word in record.words],
            "end": [word.end for word in record.words],
        }
        assert context["settings"]["voice_id"] == generation("")["voice"]
        assert (context["ended"], context["audio_bytes"]) == ("done", len(record.audio))
        assert context["request_id"] == client.headers["x-request-id"]
        (connection,) = told["connections"]
        assert (connection["number"], connection["is_open"]) == (context["connection"], True)
        assert told["open"] == {"connections": 1, "contexts": 0, "transcriptions": 0}
        assert (told["version"], told["voice"]) == (__version__, "tones")
        await client.close()
        told = await state(dial(server, nursery))
        assert told["open"] == {"connections": 0, "contexts": 0, "transcriptions": 0}
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_requests_are_told() -> None:
    """What was answered over HTTP is in the state, with its id and status; requests for it are
    not.
    """
    async with over_http() as (client, server):
        answers = [
            await client.ask("POST", "/tts/bytes", speech("Hello.")),
            await client.ask("GET", "/nowhere&api_key=sk_secret?api_key=sk_secret"),
        ]
        told = await state(client)
        assert [
            (row["method"], row["path"], row["status"], row["request_id"])
            for row in told["requests"]
        ] == [
            ("POST", "/tts/bytes", 200, answers[0].headers["x-request-id"]),
            ("GET", "/nowhere", 404, answers[1].headers["x-request-id"]),
        ]
        (context,) = told["contexts"]
        assert (context["connection"], context["path"]) == (0, "/tts/bytes")
        assert context["audio_bytes"] == len(server.journal.contexts[0].audio)
        assert (await state(client))["requests"] == told["requests"]


@on_virtual_time
async def test_filters_choose_the_newest() -> None:
    """A limit keeps the newest of each kind, an id its contexts alone; nonsense is refused."""
    async with connected() as (client, server), trio.open_nursery() as nursery:
        for name in "abc":
            await client.speak(generation(name, "Hello."))
        http = dial(server, nursery)

        async def names(query: str) -> list[str]:
            return [context["context_id"] for context in (await state(http, query))["contexts"]]

        assert await names("") == ["a", "b", "c"]
        assert await names("?limit=2") == ["b", "c"]
        assert await names("?limit=0") == []
        assert await names("?context_id=b") == ["b"]
        assert await names("?context_id=") == ["a", "b", "c"]
        for query in ("limit=-1", "limit=x", "limit=%C2%B2", "audio=mp3"):
            answer = await http.ask("GET", f"{STATE}?{query}")
            assert (answer.status, set(answer.json)) >= (400, {"message"})
        head = await http.ask("HEAD", STATE)
        assert (head.status, head.body) == (200, b"")
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_forgetting_makes_a_fresh_start() -> None:
    """After a DELETE nothing is told of what was, also of what goes on; numbers go on."""
    async with connected() as (client, server), trio.open_nursery() as nursery:
        await client.speak(generation("old", "Hello."))
        await client.send(generation("living", "And ") | MORE)
        await trio.testing.wait_all_tasks_blocked()
        http = dial(server, nursery)
        answer = await http.ask("DELETE", STATE)
        assert (answer.status, answer.json) == (200, {"forgotten_contexts": 2})
        await client.speak(generation("living", "so on."))
        told = await state(http)
        assert (told["contexts"], told["connections"], told["requests"]) == ([], [], [])
        assert told["statistics"]["held_bytes"] == 0
        assert told["open"]["connections"] == 1
        other = await connect(server, nursery)
        await other.speak(generation("new", "Hello."))
        told = await state(http)
        assert [context["context_id"] for context in told["contexts"]] == ["new"]
        assert [row["number"] for row in told["connections"]] == [2]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@on_virtual_time
async def test_a_service_with_keys_tells_it_to_keys_alone(method: str) -> None:
    """Without a key there is a 401, nothing that came in with a key has it, and no page may read
    it.
    """
    async with over_http(api_keys=["sk_car_secret"]) as (client, _):
        answer = await client.ask(method, STATE)
        assert answer.status == 401
        key = [("x-api-key", "sk_car_secret"), ("origin", "https://example.com")]
        await client.ask("POST", "/tts/bytes", speech("Hello."), key)
        answer = await client.ask(method, STATE, headers=key)
        assert answer.status == 200
        assert b"sk_car_secret" not in answer.body
        assert not [name for name in answer.headers if name.startswith("access-control")]
        preflight = [("origin", "https://example.com"), ("access-control-request-method", method)]
        answer = await client.ask("OPTIONS", STATE, headers=preflight)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@on_virtual_time
async def test_much_speech_is_told_while_it_goes_on() -> None:
    """What is told is whole JSON however long it is, with half characters, and while more is
    said.
    """
    text = "Good morning, dear \ud83d all. " * 2000
    behaviour = Behaviour(times_real_time=float("inf"))
    async with connected(behaviour=behaviour) as (client, server), trio.open_nursery() as nursery:
        await client.send(generation("a", text, add_timestamps=True))
        http = dial(server, nursery)
        context: Json = {"ended": None}
        while context["ended"] is None:
            await client.receive()
            (context,) = (await state(http, "?audio=base64"))["contexts"]
            audio = base64.b64decode(context["audio"], validate=True)
            assert len(audio) == context["audio_bytes"]
            assert hashlib.sha256(audio).hexdigest() == context["audio_sha256"]
            if len(audio) > 10**6:
                break
        assert len(context["word_timestamps"]["words"]) > 10
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_the_page_has_every_key_and_no_other() -> None:
    """Each key of the state is documented, and what is documented is there."""
    fault = Fault(name="latency", seconds=0)
    async with over_http(faults=[fault]) as (client, server), trio.open_nursery() as nursery:
        speaker = await connect(server, nursery)
        await speaker.speak(generation("a", "Hello."))
        await client.ask("GET", "/")
        listener = await connect(server, nursery, target(MANUAL))
        await listener.close()
        told = await state(client, "?audio=base64")
        nursery.cancel_scope.cancel()
    assert set(told) == documented("The whole")
    assert documented("Query") == {"context_id", "limit", "audio"}
    for section in ("connection", "request", "transcription", "context"):
        row = told[f"{section}s"][0]
        assert set(row) == documented(f"A {section}")
    assert set(told["behaviour"]) == {field.name for field in attrs.fields(Behaviour)}
    assert told["faults"] == [{"name": "latency", "seconds": 0.0}]
    text = PAGE.read_text()
    nested: list[Any] = [told[name] for name in ("plan", "open", "statistics", "limits")]
    assert all(f"`{key}`" in text for values in nested for key in values)
    assert "NaN" not in json.dumps(told)
    assert "Infinity" not in json.dumps(told)

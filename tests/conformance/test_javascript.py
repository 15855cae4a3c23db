"""The official JavaScript client, in Node: scripts that print what they saw."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.expectations import expect_program, missing
from tests.conformance.service import KEY, units

pytestmark = pytest.mark.conformance

HERE = Path(__file__).parent
NODE = expect_program("node")
HELLO = "Good morning, dear all."
VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
if not (HERE / "node_modules/@cartesia/cartesia-js").exists():
    missing("the packages for Node are not installed: npm ci --prefix tests/conformance")


def node(script: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a script and return what it printed."""
    monkeypatch.setenv("CONFORMANCE_KEY", KEY)
    done = subprocess.run(
        [NODE, f"javascript/{script}"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def audio(events: list[Any]) -> bytes:
    return b"".join(base64.b64decode(e["data"]) for e in events if e["type"] == "chunk")


def times(events: list[Any], kind: str) -> list[tuple[str, float, float]]:
    found = [event.get(f"{kind}_timestamps") for event in events]
    return [unit for time in found if time for unit in units(time, kind)]


def kinds(events: list[Any]) -> list[str]:
    return [event["type"] for event in events]


def spoken_alike(heard: Any, record: Any) -> None:
    """Check that what was heard is what the service says it spoke, to the byte, and ended with
    done.
    """
    events = heard["events"]
    assert "thrown" not in heard
    assert kinds(events).index("done") == len(events) - 1
    assert audio(events) == record.audio
    assert len(record.audio) > 8000
    for kind in ("word", "phoneme"):
        if found := times(events, kind):
            assert found == record.units(kind)


def says(refused: Any, name: str, status: int, code: str | None) -> bool:
    """Check the class and the fields of a refusal."""
    assert (refused["name"], refused["status"]) == (name, status)
    assert refused["body"].get("error_code") == code
    assert refused["body"]["title"]
    assert refused["body"]["message"]
    assert refused["body"]["request_id"] == refused["request_id"]
    return True


def test_concurrent_contexts_in_pieces(service, monkeypatch):
    """Three contexts of one socket are spoken at the same time, with times, each for itself."""
    seen = node("contexts.cjs", monkeypatch)
    for context_id, heard in seen["contexts"].items():
        record = service.record(context_id)
        spoken_alike(heard, record)
        words = [word for word, _, _ in times(heard["events"], "word")]
        assert words == record.transcript.split()
        assert times(heard["events"], "phoneme")
        assert {event["context_id"] for event in heard["events"]} == {context_id}
    assert seen["order"] != sorted(seen["order"], key=seen["order"].index)


def test_flush_and_feelings(service, monkeypatch):
    """push with flush sends two messages; the service answers flush_done, and counts segments."""
    heard = node("flush.cjs", monkeypatch)
    record = service.record("js-flush")
    spoken_alike(heard, record)
    assert record.transcripts == ["The first. ", "", "The second.", ""]
    (flushed,) = [n for n, kind in enumerate(kinds(heard["events"])) if kind == "flush_done"]
    chunks = [(n > flushed, e["flush_id"]) for n, e in enumerate(heard["events"]) if "data" in e]
    assert set(chunks) == {(False, 1), (True, 2)}
    assert heard["events"][flushed]["flush_id"] == 1


def test_cancel(service, monkeypatch):
    """A cancelled context is spoken little further; another one of the socket to its end."""
    spoken_alike(node("cancel.cjs", monkeypatch), service.record("js-other"))
    record = service.record("js-cancelled")
    assert (record.ended, record.cancels) == ("cancelled", 1)
    assert record.chunks_after_cancel <= 2


def test_bytes(service, monkeypatch):
    """Whole answers are what was spoken: raw, as WAV, which is saved, and as MP3."""
    answers = node("bytes.cjs", monkeypatch)
    body = {name: base64.b64decode(answer["data"]) for name, answer in answers.items()}
    raw = service.record(answers["raw"]["request_id"])
    assert body["raw"] == raw.audio
    with wave.open(io.BytesIO(body["wav"])) as file:
        assert file.getframerate() == 24000
        assert service.record(answers["wav"]["request_id"]).audio.endswith(file.readframes(10**8))
    assert len(body["mp3"]) / 16000 == pytest.approx(len(body["raw"]) / 32000, abs=0.2)
    assert answers["wav"]["file_id"]
    assert answers["raw"]["file_id"] is None


def test_events(service, monkeypatch):
    """Server-sent events carry audio, times if they are wanted, and end with done."""
    seen = node("events.cjs", monkeypatch)
    spoken_alike(seen["plain"], service.record("js-sse"))
    spoken_alike(seen["timed"], service.record("js-sse-times"))
    assert set(kinds(seen["plain"]["events"])) == {"chunk", "done"}
    assert [word for word, _, _ in times(seen["timed"]["events"], "word")] == HELLO.split()
    assert times(seen["timed"]["events"], "phoneme")


def test_recordings(service, monkeypatch):
    """Speech of the service is spoken again, other recordings keep their length, and an infill is
    the speech of its text.
    """
    seen = node("recordings.cjs", monkeypatch)
    own, infill = (service.record(seen[name]["request_id"]) for name in ("own", "infill"))
    assert base64.b64decode(seen["own"]["data"]) == own.audio
    assert base64.b64decode(seen["infill"]["data"]) == infill.audio
    assert own.transcript == infill.transcript == HELLO
    *chunks, end = seen["events"]
    assert len(b"".join(base64.b64decode(event["data"]) for event in chunks)) == 32000
    assert end == {"done": True, "status_code": 200}


def test_transcription(service, monkeypatch):
    """A recording, finalized audio and turns have the text that was spoken, and settings that are
    not valid are an error event.
    """
    seen = node("transcription.cjs", monkeypatch)
    assert seen["recording"]["text"] == seen["text"]
    assert [word["word"] for word in seen["recording"]["words"]] == seen["text"].split()
    finalized, turns, refused = seen["finalized"], seen["turns"], seen["refused"]
    for session in (finalized, turns):
        assert session["errors"] == []
        assert session["close"] == {"code": 1000, "unsent": 0}
    finals = [e["text"] for e in finalized["messages"] if e.get("is_final")]
    assert "".join(finals) == seen["text"]
    assert kinds(finalized["messages"])[-2:] == ["flush_done", "done"]
    first, second, *_, last = kinds(turns["messages"])
    assert (first, second, last) == ("connected", "turn.start", "turn.end")
    texts = [e["transcript"] for e in turns["messages"] if e["type"] == "turn.end"]
    assert " ".join(texts) == seen["text"]
    (error,) = refused["errors"]
    assert (error["type"], error["status_code"]) == ("error", 400)
    assert refused["close"]["code"] == 1008


def test_errors(service, monkeypatch):
    """Each refusal is the exception for its status, with its fields, or the context's own error."""
    seen = node("errors.cjs", monkeypatch)
    assert "401" in seen["handshake"]
    assert says(seen["model"], "BadRequestError", 400, "model_not_found")
    assert says(seen["events"], "BadRequestError", 400, "model_not_found")
    assert says(seen["voice"], "NotFoundError", 404, "voice_not_found")
    assert says(seen["empty"], "BadRequestError", 400, None)
    assert says(seen["key"], "AuthenticationError", 401, None)
    assert says(seen["infill"], "BadRequestError", 400, None)
    assert says(seen["stt"], "BadRequestError", 400, "unsupported_audio_format")
    for name, status, code in (
        ("model", 400, "model_not_found"),
        ("voice", 404, "voice_not_found"),
        ("empty", 400, None),
    ):
        (error,) = seen["contexts"][name]["events"]
        assert (error["status_code"], error["error_code"]) == (status, code)
        assert seen["contexts"][name]["thrown"]["message"] == error["message"]


def test_limits(small_service, monkeypatch):
    """One context more than the plan allows is 429, in the socket and over HTTP."""
    seen = node("limits.cjs", monkeypatch)
    (error,) = seen["third"]["events"]
    assert (error["status_code"], error["error_code"]) == (429, "concurrency_limited")
    assert says(seen["http"], "RateLimitError", 429, "concurrency_limited")


def test_voices(service, monkeypatch):
    """Voices come page after page, each once, can be searched, and can be had by id."""
    seen = node("voices.cjs", monkeypatch)
    ids = [voice["id"] for voice in seen["large"]]
    assert seen["small"] == ids
    assert len(set(ids)) == len(ids) > 10
    assert seen["feminine"] == [v["id"] for v in seen["large"] if v["gender"] == "feminine"]
    assert seen["found"] == [VOICE]
    assert seen["one"] in seen["large"]
    assert "preview_file_url" in seen["previews"][0]
    assert "preview_file_url" not in seen["one"]
    assert says(seen["none"], "NotFoundError", 404, "voice_not_found")
    assert seen["status"]["ok"] is True


def test_a_token(service, monkeypatch):
    """A token for speech speaks, in a socket too, and cannot look at voices."""
    seen = node("token.cjs", monkeypatch)
    assert seen["bytes"] > 8000
    spoken_alike(seen["heard"], service.record("js-token"))
    assert seen["voices"]["status"] in (401, 403)


def test_as_in_a_browser(service, monkeypatch):
    """Where no header can be set, the version and a key or a token are taken from the query."""
    seen = node("browser.mjs", monkeypatch)
    for name, credential in (("key", "api_key"), ("token", "access_token")):
        spoken_alike(seen[name]["heard"], service.record(f"js-browser-{name}"))
        assert seen[name]["query"] == ["cartesia_version", credential, "cartesia_client"]


def test_an_idle_socket(service, monkeypatch):
    """A socket that does nothing is closed with 1000 and a reason, and can be opened again."""
    seen = node("idle.cjs", monkeypatch)
    assert seen["how"] == {"code": 1000, "reason": "connection idle timeout"}
    spoken_alike(seen["heard"], service.record("js-after-idle"))


def test_resources(service, monkeypatch):
    """What an account makes is created, listed, changed, spoken with and deleted; its agent has
    calls and metrics.
    """
    seen = node("resources.cjs", monkeypatch)
    voices, dicts, data = seen["voices"], seen["dictionaries"], seen["datasets"]
    assert (voices["made"]["access"], voices["other"]["language"]) == ("private", "de")
    assert (voices["changed"]["name"], voices["changed"]["accent"]) == ("You", "british")
    locales = [[each["locale"] for each in voices[key]["locales"]] for key in ("added", "left")]
    assert locales == [["en-GB", "fr-FR"], ["en-GB"]]
    assert voices["spoken"] > 8000
    assert len(voices["accents"]) == 79
    assert says(voices["gone"], "NotFoundError", 404, "voice_not_found")
    assert dicts["made"] in dicts["listed"]
    assert dicts["spoken"] > dicts["plain"]
    assert dicts["changed"]["items"] == []
    assert says(dicts["gone"], "NotFoundError", 404, None)
    assert [file["filename"] for file in data["files"]] == ["a.wav"]
    assert (data["left"], data["now"]["name"], data["voice"]["name"]) == ([], "Talks", "JS")
    assert data["spoken"] > 8000
    agents = seen["agents"]
    assert agents["changed"] == {**agents["agent"], "description": "js"} | {
        "updated_at": agents["changed"]["updated_at"]
    }
    assert len(agents["calls"]) == 3
    assert agents["call"]["transcript"]
    assert len(agents["deployments"]) == 2
    assert [result["id"] in agents["exported"] for result in agents["results"]] == [True] * 3

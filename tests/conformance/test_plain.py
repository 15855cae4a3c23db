"""Clients that know nothing of Cartesia: websockets, httpx2 and curl."""

from __future__ import annotations

import base64
import io
import json
import ssl
import subprocess
import wave
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conformance.expectations import expect_module, expect_program
from tests.conformance.service import KEY

websockets = expect_module("websockets")
client = expect_module("websockets.sync.client")
httpx2 = expect_module("httpx2")
CURL = expect_program("curl")

pytestmark = pytest.mark.conformance

HELLO = "Good morning, dear all."
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000}
WAV = RAW | {"container": "wav"}
SPEECH: dict[str, Any] = {
    "model_id": "sonic-3.5",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "transcript": HELLO,
}
HEADERS = {"X-API-Key": KEY, "Cartesia-Version": "2026-08-14"}


def connect(service: Any, path: str = "/tts/websocket", **options: Any) -> Any:
    url = service.url.replace("https", "wss") + path
    return client.connect(url, **{"additional_headers": HEADERS} | options)


def events_of(body: str) -> list[Any]:
    """The JSON of server-sent events that are data lines and nothing else."""
    *frames, rest = body.split("\n\n")
    assert rest == ""
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames)
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def audio(events: list[Any]) -> bytes:
    return b"".join(base64.b64decode(e["data"]) for e in events if e["type"] == "chunk")


def speak(socket: Any, context_id: str) -> list[Any]:
    """Have one text spoken, and return its events, which come in text frames."""
    socket.send(json.dumps({"context_id": context_id, "output_format": RAW, **SPEECH}))
    events: list[Any] = []
    while not events or not events[-1]["done"]:
        message = socket.recv(timeout=10)
        assert isinstance(message, str)
        events.append(json.loads(message))
    return events


def test_websockets_speaks(service):
    """A bare WebSocket client is spoken to in text frames, without extensions, and its pings
    answered.
    """
    with connect(service, compression="deflate") as socket:
        assert socket.response.headers["x-request-id"]
        assert "sec-websocket-extensions" not in socket.response.headers
        assert socket.ping().wait(5)
        events = speak(socket, "plain")
    assert events[-1]["type"] == "done"
    assert audio(events) == service.record("plain").audio


def test_websockets_may_fragment(service):
    """A message in fragments, and one of pretty-printed JSON, is a message like any other."""
    text = json.dumps({"context_id": "pieces", "output_format": RAW, **SPEECH}, indent=4)
    with connect(service) as socket:
        socket.send(text[start : start + 20] for start in range(0, len(text), 20))
        while json.loads(socket.recv(timeout=10))["type"] != "done":
            pass
    assert service.record("pieces").transcript == HELLO


def test_websockets_may_compress(service):
    """A service that is told to accept compression is understood by a client that offers it."""
    wishes = HEADERS | {"x-behaviour": "deflate=true"}
    with connect(service, additional_headers=wishes, compression="deflate") as socket:
        assert "permessage-deflate" in socket.response.headers["sec-websocket-extensions"]
        events = speak(socket, "deflated")
    assert audio(events) == service.record("deflated").audio


@pytest.mark.parametrize(
    ("fault", "code"),
    [("close at_frame=2 code=4001", 4001), ("fin at_frame=2", 1006), ("reset at_frame=2", 1006)],
)
def test_websockets_sees_trouble(service, fault, code):
    """Whatever a connection asks to go wrong does, as another client sees it, and no other one
    does.
    """
    wishes = HEADERS | {"x-fault": fault}
    with connect(service, additional_headers=wishes) as troubled, connect(service) as other:
        with pytest.raises(websockets.ConnectionClosedError):
            speak(troubled, "troubled")
        assert troubled.close_code == code
        assert speak(other, "not-troubled")[-1]["type"] == "done"


def test_websockets_is_refused(service):
    """Without a key there is no socket, but an answer that says why."""
    with (
        pytest.raises(websockets.InvalidStatus) as caught,
        connect(service, additional_headers={"Cartesia-Version": "2026-08-14"}),
    ):
        pass
    response = caught.value.response
    assert response.status_code == 401
    assert json.loads(response.body)["request_id"] == response.headers["x-request-id"]


def test_websockets_transcribes(service):
    """Silence has no text, in both modes, and each ends as its protocol says."""
    query = "model=ink-2&encoding=pcm_s16le&sample_rate=16000"
    for path, word, kinds in (
        ("/stt/websocket", "close", ["done"]),
        ("/stt/turns/websocket", json.dumps({"type": "close"}), ["connected"]),
    ):
        with connect(service, f"{path}?{query}") as socket:
            socket.send(bytes(3200))
            socket.send(word)
            assert [json.loads(message)["type"] for message in socket] == kinds
        assert socket.close_code == 1000


def test_websockets_sockets_have_a_limit(small_service):
    """Ten times as many sockets as contexts may be open; one more is 429, until
    another one closes.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(connect(small_service)) for _ in range(20)]
        with pytest.raises(websockets.InvalidStatus) as caught, connect(small_service):
            pass
        assert caught.value.response.status_code == 429
        assert json.loads(caught.value.response.body)["error_code"] == "concurrency_limited"
        sockets[0].close()
        stack.enter_context(connect(small_service))


def test_httpx2_streams_bytes(service):
    """A whole answer comes in chunks, and is what was spoken."""
    trusted = ssl.create_default_context(cafile=service.authority)
    with (
        httpx2.Client(base_url=service.url, headers=HEADERS, verify=trusted) as http,
        http.stream("POST", "/tts/bytes", json=SPEECH | {"output_format": RAW}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["transfer-encoding"] == "chunked"
        body = response.read()
    assert body == service.record(response.headers["x-request-id"]).audio


@pytest.mark.parametrize("path", ["/voices", "/voices/"])
def test_httpx2_needs_no_redirect(service, path):
    """A path with a slash at its end is the path without it."""
    trusted = ssl.create_default_context(cafile=service.authority)
    with httpx2.Client(base_url=service.url, headers=HEADERS, verify=trusted) as http:
        page = http.get(path, params={"limit": 2}).json()
        after = http.get(path, params={"limit": 2, "starting_after": page["next_page"]}).json()
        while after["has_more"]:
            after = http.get(path, params={"starting_after": after["next_page"]}).json()
        over = http.get(path, params={"starting_after": after["data"][-1]["id"]}).json()
    assert len(page["data"]) == 2
    assert page["data"][-1]["id"] == page["next_page"]
    assert (over["data"], over["has_more"]) == ([], False)


def test_httpx2_reads_events(service):
    """Events are lines of data, each with a blank line after it; the last one is done."""
    trusted = ssl.create_default_context(cafile=service.authority)
    body = SPEECH | {"output_format": RAW, "context_id": "httpx2", "add_timestamps": True}
    with httpx2.Client(base_url=service.url, headers=HEADERS, verify=trusted) as http:
        response = http.post("/tts/sse", json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert [event["type"] for event in events].index("done") == len(events) - 1
    assert audio(events) == service.record("httpx2").audio


def curl(service: Any, *arguments: str, body: Any) -> bytes:
    """Run curl as the docs show it."""
    command = [CURL, "--silent", "--show-error", "--fail-with-body", "--cacert"]
    headers = [
        "--header",
        f"Authorization: Bearer {KEY}",
        "--header",
        "Cartesia-Version: 2026-08-14",
    ]
    given = ["--json", json.dumps(body)]
    done = subprocess.run(
        [*command, str(service.authority), *headers, *given, *arguments],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_writes_a_wav(service, tmp_path):
    """What curl writes into a file is a WAV of what was spoken."""
    path, heads = tmp_path / "hello.wav", tmp_path / "heads"
    options = ["--output", str(path), "--dump-header", str(heads)]
    curl(service, *options, f"{service.url}/tts/bytes", body=SPEECH | {"output_format": WAV})
    told = dict(
        line.split(": ", 1) for line in heads.read_text().lower().split("\n") if ": " in line
    )
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16000)
        frames = file.readframes(10**8)
    assert service.record(told["x-request-id"].strip()).audio.endswith(frames)
    assert len(frames) > 8000


def test_curl_reads_events(service):
    """With -N, curl prints events as they come."""
    body = SPEECH | {"output_format": RAW, "context_id": "curl"}
    events = events_of(curl(service, "-N", f"{service.url}/tts/sse", body=body).decode())
    assert events[-1]["type"] == "done"
    assert audio(events) == service.record("curl").audio

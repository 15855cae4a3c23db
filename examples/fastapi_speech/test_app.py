"""The app on a port of this machine, with clients of plain HTTP, against the local service."""

from __future__ import annotations

import base64
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import app as module
import pytest

HEADER_BYTES = len(module.FORMAT.sample_format.wav_header())
LONG_TEXT = "Good morning, dear all. " * 4000


@pytest.fixture
def url(cartesia_service, monkeypatch):
    monkeypatch.setenv("CARTESIA_BASE_URL", cartesia_service.url)
    monkeypatch.setenv("CARTESIA_API_KEY", "local")
    with module.serve_in_thread() as url:
        yield url


@contextmanager
def post(url, body):
    """Send a request, and yield the response before its body has arrived."""
    headers = {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request("POST", "/speech", json.dumps(body), headers)
        yield connection.getresponse()
    finally:
        connection.close()


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_audio_is_the_service_s(url, cartesia_service):
    """
    A response is a WAV header, and every byte that the service has sent.
    """
    with post(url, {"text": "Hello there."}) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "audio/wav")
        audio = response.read()
    (context,) = cartesia_service.state(audio=True)["contexts"]
    assert context["transcript"] == "Hello there."
    assert audio.startswith(b"RIFF")
    assert audio[HEADER_BYTES:] == base64.b64decode(context["audio"])


def test_requests_at_once_share_the_plan(url, cartesia_service):
    """
    More requests than the pool has contexts are all answered, each with its own speech.
    """
    texts = [f"Number {'and again ' * number}{number}." for number in range(10)]

    def fetch(text):
        with post(url, {"text": text}) as response:
            assert response.status == 200
            return len(response.read()) - HEADER_BYTES

    with ThreadPoolExecutor(len(texts)) as threads:
        sizes = dict(zip(texts, threads.map(fetch, texts), strict=True))
    contexts = cartesia_service.state()["contexts"]
    assert {context["transcript"]: context["audio_bytes"] for context in contexts} == sizes


def test_a_client_that_disconnects_ends_its_context(url, cartesia_service):
    """
    The service gets a cancel when the client has gone, and the next request is answered.
    """
    with post(url, {"text": LONG_TEXT}) as response:
        assert response.read(1000)
    wait_for(lambda: cartesia_service.state()["contexts"][0]["cancels"] == 1)
    wait_for(lambda: module.app.state.pool.statistics().contexts_open == 0)
    with post(url, {"text": "Hello."}) as response:
        assert response.read()


def test_an_error_of_the_service_is_a_status(url, monkeypatch):
    """
    What the service refuses is a 502 with its reason.
    """
    monkeypatch.setitem(module.SETTINGS, "voice", "00000000-0000-0000-0000-000000000000")
    with post(url, {"text": "Hello."}) as response:
        assert response.status == 502
        assert "the text was not spoken: " in json.load(response)["detail"]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " ... "}, {"text": "a" * 100_001}])
def test_a_text_that_cannot_be_spoken_is_refused(body, url, cartesia_service):
    """
    A request without a word, or with too long a text, is a 422, and nothing is sent.
    """
    with post(url, body) as response:
        assert response.status == 422
    assert cartesia_service.state()["contexts"] == []

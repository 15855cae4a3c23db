"""A local service in a thread, for tests that do not run under Trio."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
import threading
import urllib.request

import pytest
import trio

from tests.support import SETTINGS
from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia.testing import ServiceThread, service_in_thread

REQUEST = {
    "model_id": "sonic-latest",
    "transcript": "Hello.",
    "voice": SETTINGS["voice"],
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}


def speak(service: ServiceThread) -> bytes:
    """Ask for speech as a client without Trio does."""
    trust = ssl.create_default_context(cafile=service.ca_file) if service.ca_file else None
    request = urllib.request.Request(  # noqa: S310  # it is ours
        f"{service.url}/tts/bytes",
        json.dumps(REQUEST).encode(),
        {"Content-Type": "application/json", "Cartesia-Version": "2026-08-14", "X-API-Key": "any"},
    )
    with urllib.request.urlopen(request, context=trust, timeout=10) as response:  # noqa: S310
        return response.read()


def test_a_synchronous_test_has_a_service(cartesia_service):
    """A blocking client gets what the service spoke, and its records are there to be compared."""
    audio = speak(cartesia_service)
    (context,) = cartesia_service.state(audio=True)["contexts"]
    assert context["transcript"] == "Hello."
    assert base64.b64decode(context["audio"]) == audio
    assert context["audio_sha256"] == hashlib.sha256(audio).hexdigest()
    assert cartesia_service.websocket_url == cartesia_service.url.replace("http:", "ws:")


def test_records_are_selected_and_forgotten(cartesia_service):
    """The records can be narrowed down to a context or a number, and dropped for a fresh start."""
    for _ in range(3):
        speak(cartesia_service)
    contexts = cartesia_service.state()["contexts"]
    assert len(contexts) == 3
    chosen = contexts[1]["context_id"]
    assert len(cartesia_service.state(limit=2)["contexts"]) == 2
    found = cartesia_service.state(context_id=chosen)["contexts"]
    assert {context["context_id"] for context in found} == {chosen}
    cartesia_service.forget()
    assert cartesia_service.state()["contexts"] == []


def test_an_asyncio_test_has_a_service(cartesia_service):
    """It serves while an asyncio loop runs in the test's own thread."""

    async def main() -> list[bytes]:
        return await asyncio.gather(*(asyncio.to_thread(speak, cartesia_service) for _ in range(3)))

    one, *others = asyncio.run(main())
    assert one
    assert others == [one, one]
    assert len(cartesia_service.state()["contexts"]) == 3


async def test_a_trio_test_has_one_too(cartesia_service):
    """A client under Trio reaches it as any other does, and the test may ask for its records."""
    async with (
        Cartesia("any", base_url=cartesia_service.url) as client,
        client.tts.websocket_connect() as connection,
        connection.speak("Hello.", **SETTINGS) as context,
    ):
        speech = await context.collect()
    (record,) = cartesia_service.state()["contexts"]
    assert record["audio_bytes"] == len(speech.audio)


@pytest.mark.cartesia(behaviour="done_status=200", plan="free")
def test_the_marker_configures_it(cartesia_service):
    """The marker configures this service as it does that of the other fixtures."""
    state = cartesia_service.state()
    assert state["behaviour"]["done_status"] == 200
    assert state["plan"]["name"] == "free"
    assert state["voice"] == "tones"


@pytest.mark.cartesia(tls=True)
def test_it_may_have_tls(cartesia_service):
    """With TLS, clients trust the file that it names."""
    assert cartesia_service.url.startswith("https://")
    assert cartesia_service.websocket_url.startswith("wss://")
    assert speak(cartesia_service)
    assert len(cartesia_service.state()["contexts"]) == 1


def test_the_thread_ends_with_the_block():
    """After the block no thread is left and the port is closed, however the block was left."""
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), service_in_thread() as service:
        raise ZeroDivisionError
    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        service.state()


def test_it_is_entered_once():
    """A second block of the same service, within the first or after it, says what to do."""
    block = service_in_thread()
    with block as service:
        with pytest.raises(LocalProtocolError, match="entered before: make one for each block"):
            block.__enter__()
        assert service.state()["contexts"] == []
    with pytest.raises(LocalProtocolError, match="entered before"), block:
        pass


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        ({"voice": "bass"}, ValueError, "bass"),
        ({"host": "192.0.2.1"}, OSError, "assign"),  # an address of no machine
        ({"colour": "red"}, TypeError, "colour"),
    ],
)
def test_a_service_that_cannot_start_says_why(options, kind, why):
    """What `open_server` raises is raised in the thread that asked for the service, as it is."""
    with pytest.raises(kind, match=why), service_in_thread(**options):
        pass


def test_a_crash_of_the_service_is_raised_at_the_end(monkeypatch):
    """A service that ends before its block does is no silent failure."""
    stopped = []

    async def crash() -> None:
        stopped.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), monkeypatch.context() as patch:
        patch.setattr(trio.Event, "wait", lambda _: crash())
        with service_in_thread():
            patch.undo()
    assert stopped

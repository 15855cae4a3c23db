from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import trio
from trio_websocket import ConnectionClosed, open_websocket_url

from tests.server.support import (
    TWO_SENTENCES,
    Client,
    Closed,
    audio,
    catch_logs,
    connect,
    connected,
    generation,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, Fault, Tones, Utterance, open_server, serve
from trio_cartesia.server.catalogue.voices import find_voice

SPEECH = "/tts/websocket"
NOW = "?cartesia_version=2026-08-14"


async def test_two_contexts_over_tcp_at_once() -> None:
    """trio-websocket hears two contexts at a time over a real socket, each whole and in order."""
    async with open_server(voice="tones") as server:
        assert server.url.startswith("http://127.0.0.1:")
        async with open_websocket_url(server.websocket_url + SPEECH + NOW) as websocket:
            for name in "ab":
                await websocket.send_message(json.dumps(generation(name, TWO_SENTENCES * 3)))
            events: list[dict[str, Any]] = []
            while sum(event["type"] == "done" for event in events) < 2:
                events.append(json.loads(await websocket.get_message()))
        for name in "ab":
            assert audio(events, name) == await tones(TWO_SENTENCES * 3)
            assert audio(events, name) == server.journal.context(name).audio


async def test_serve_runs_until_cancelled() -> None:
    """`serve` hands its server to whoever started it, and stops with its nursery."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            lambda task_status: serve(voice="tones", task_status=task_status)
        )
        async with open_websocket_url(server.websocket_url + SPEECH) as websocket:
            nursery.cancel_scope.cancel()
            with pytest.raises((ConnectionClosed, trio.Cancelled)):
                await websocket.get_message()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")],  # noqa: S104  # for a moment
)
async def test_a_server_on_all_addresses_is_reached_by_one(
    host: str, loopback: str, has_ipv6: bool
) -> None:
    """Where a server listens on every address, its url has that of this machine."""
    if host == "::" and not has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with open_server(host=host, voice="tones") as server:
        assert server.url.startswith(f"http://{loopback}:")
        async with open_websocket_url(server.websocket_url + SPEECH) as websocket:
            assert server.journal.connections
            await websocket.aclose()


@on_virtual_time
async def test_a_blocks_own_errors_come_out_bare() -> None:
    """What the block raises leaves it as it was raised, without a group."""
    with pytest.raises(KeyError):
        async with open_server(port=None, voice="tones"):
            raise KeyError
    with trio.move_on_after(1) as scope:
        async with open_server(port=None, voice="tones"):
            await trio.sleep_forever()
    assert scope.cancelled_caught


@on_virtual_time
async def test_a_bug_ends_one_connection_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that crashes is logged; its connection ends and the others go on."""
    async with connected() as (client, server):
        with monkeypatch.context() as patch, catch_logs(logging.ERROR) as lines:
            patch.setattr("trio_cartesia.server.tts.session.read_request", lambda _: 1 / 0)
            async with trio.open_nursery() as nursery:
                other = await connect(server, nursery)
                await other.send("anything")
                with pytest.raises(Closed):
                    await other.receive()
        assert lines == ["a connection's handler crashed"]
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")


@on_virtual_time
async def test_a_server_may_listen_nowhere() -> None:
    """Without a port there is no listener, and streams are served all the same."""
    async with open_server(port=None, voice="tones", behaviour=Behaviour()) as server:
        assert (server.url, server.websocket_url) == ("http://localhost", "ws://localhost")
        assert server.voice.name == "tones"


async def test_an_address_that_is_taken_raises_bare() -> None:
    """Listening where another server does raises `OSError`; a voice that is not there
    `ValueError`.
    """
    async with open_server(voice="tones") as server:
        with pytest.raises(OSError, match="in use"):
            async with open_server(voice="tones", port=int(server.url.rpartition(":")[2])):
                pass
    with pytest.raises(ValueError, match="no voice"):
        async with open_server(port=None, voice="nobody"):
            pass


@on_virtual_time
async def test_a_voice_of_ones_own_is_asked_for_what_was_requested() -> None:
    """Any object that speaks is a voice; it hears the request's voice, language, rate and
    delivery.
    """

    class Listening(Tones):
        heard: Utterance | None = None

        async def speak(self, utterance: Utterance) -> Any:
            self.heard = utterance
            return await super().speak(utterance)

    voice = Listening()
    voice_id = "a0e99841-438c-4a64-b679-ae501e7d6091"
    async with connected(voice=voice) as (client, _):
        config: Any = {"speed": 1.5, "volume": 0.5, "emotion": "sad"}
        request = generation("a", "Hi.", voice=voice_id, locale="en-GB", generation_config=config)
        await client.speak(request)
        assert voice.heard == Utterance(
            text="Hi.",
            voice_id=voice_id,
            voice=find_voice(voice_id),
            language="en-GB",
            sample_rate=8000,
            normalized=True,
            **config,
        )


@on_virtual_time
async def test_what_is_no_exception_stops_the_server() -> None:
    """What is worse than an exception, such as an interrupt, is not swallowed."""

    class Interrupting(Tones):
        async def speak(self, _: Utterance) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        async with open_server(voice=Interrupting()) as server:
            port = int(server.url.rpartition(":")[2])
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                client = Client(stream)
                await client.shake_hands(SPEECH, [])
                await client.send(generation("a", "Hello."))
                await trio.sleep_forever()


async def test_a_fault_that_is_only_a_text_is_refused() -> None:
    """`open_server` says how to make faults of a text, rather than fail at each request."""
    with pytest.raises(TypeError, match=r"Fault\.read"):
        async with open_server(voice="tones", port=None, faults="close at_frame=3"):
            pass  # pragma: no cover
    faults = Fault.read("close at_frame=3")
    async with open_server(voice="tones", port=None, faults=faults) as server:
        assert server.url

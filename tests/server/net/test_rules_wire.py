"""Rules of the protocol about what is on the wire, each with a client that knows nothing of
ours.
"""

from __future__ import annotations

import base64

import pytest
import trio
from trio.testing import memory_stream_pair
from wsproto.events import AcceptConnection, Request
from wsproto.extensions import PerMessageDeflate

from tests.server.http_client import over_http, speech
from tests.server.support import (
    MORE,
    S16,
    TWO_SENTENCES,
    Client,
    audio,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, open_server

VERSION = ("cartesia-version", "2026-08-14")
OFFICIAL = [  # protocol §1.4
    VERSION,
    ("authorization", "Bearer sk_car_1"),
    ("user-agent", "cartesia-python/4.2.0"),
    ("x-cartesia-client", "cartesia-python/4.2.0"),
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("x-stainless-lang", "python"),
    ("x-stainless-os", "Linux"),
    ("x-stainless-async", "async:asyncio"),
    ("x-stainless-retry-count", "0"),
    ("x-stainless-read-timeout", "60"),
]
HANDSHAKES = {  # protocol §6a E6
    "Python": [
        *(
            (name, value)
            for name, value in OFFICIAL
            if "timeout" not in name and "count" not in name
        ),
        ("content-type", "application/json"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
    ],
    "JavaScript": [
        *(VERSION, ("authorization", "Bearer sk_car_1")),
        ("user-agent", "cartesia-js/4.2.0"),
        ("x-cartesia-client", "cartesia-js/4.2.0"),
    ],
}


@pytest.mark.rule("1.1-trailing-slash")
@on_virtual_time
async def test_a_slash_at_the_end_does_not_matter() -> None:
    """A path with a slash at its end is answered like the path without it, and not redirected."""
    async with over_http() as (client, _):
        for method, path, body in (
            ("POST", "/tts/bytes", speech("Hello.")),
            ("POST", "/tts/sse", speech("Hello.")),
            ("GET", "/voices", b""),
            ("POST", "/access-token", {"expires_in": 60}),
        ):
            answers = [await client.ask(method, path + end, body, OFFICIAL) for end in ("", "/")]
            assert [answer.status for answer in answers] == [200, 200]
    async with connected("/tts/websocket/?cartesia_version=2026-08-14") as (socket, _):
        assert kinds(await socket.speak(generation("a", "Hello.")))[-1] == "done"


@pytest.mark.rule("1.4-accept")
@pytest.mark.parametrize("accept", ["audio/wav", "audio/mpeg", "application/json", "*/*"])
@on_virtual_time
async def test_the_format_is_what_the_body_asks_for(accept: str) -> None:
    """Whatever Accept says, and official clients always say audio/wav, raw audio is raw."""
    async with over_http() as (client, _):
        answer = await client.ask(
            "POST", "/tts/bytes", speech("Hello."), [VERSION, ("accept", accept)]
        )
    assert answer.body == await tones("Hello.")


@pytest.mark.rule("3.2-accept")
@pytest.mark.parametrize("accept", ["*/*", "text/event-stream", "application/json", "audio/wav"])
@on_virtual_time
async def test_events_are_streamed_whatever_is_accepted(accept: str) -> None:
    """Whatever Accept says, the SSE endpoint streams events."""
    async with over_http() as (client, _):
        answer = await client.ask(
            "POST", "/tts/sse", speech("Hello."), [VERSION, ("accept", accept)]
        )
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.startswith(b"data: ")


@pytest.mark.rule("1.4-headers")
@on_virtual_time
async def test_the_headers_of_official_clients_do_no_harm() -> None:
    """The headers that official clients send with requests are accepted."""
    async with over_http() as (client, _):
        answer = await client.ask("POST", "/tts/bytes", speech("Hello."), OFFICIAL)
        assert answer.body == await tones("Hello.")


@pytest.mark.rule("1.4-headers")
@pytest.mark.parametrize("headers", HANDSHAKES.values(), ids=HANDSHAKES)
@on_virtual_time
async def test_the_handshakes_of_official_clients_are_accepted(
    headers: list[tuple[str, str]],
) -> None:
    """Handshakes with the headers of each official client open a WebSocket."""
    async with connected("/tts/websocket", headers=headers) as (socket, _):
        assert audio(await socket.speak(generation("a", "Hello."))) == await tones("Hello.")


@pytest.mark.rule("1.4-content-type")
@pytest.mark.parametrize(
    "line", ["GET /", "GET /voices", "DELETE /voices/x", "DELETE /_local/state", "POST /datasets/x"]
)
@on_virtual_time
async def test_a_content_type_without_content_does_no_harm(line: str) -> None:
    """A request without a body is answered alike with and without Content-Type:
    application/json.
    """
    method, path = line.split()
    with_type = [VERSION, ("content-type", "application/json")]
    async with over_http() as (client, _):
        plain = await client.ask(method, path, b"", [VERSION])
        assert (await client.ask(method, path, b"", with_type)).status == plain.status
    assert plain.status in (200, 404, 405)


@pytest.mark.rule("1.6-space")
@on_virtual_time
async def test_a_space_in_a_query_has_two_forms() -> None:
    """A space is ``+`` or ``%20`` in a query, and a plus sign is ``%2B``."""
    queries = ("behaviour=flush_id_base%3D0,+deflate%3Dtrue", "fault=latency%20seconds%3D0.1")
    spaces = [f"/voices?{query.replace('+', '%20')}" for query in queries]
    async with over_http() as (client, _):
        for path in (*spaces, *(path.replace("%20", "+") for path in spaces)):
            assert (await client.ask("GET", path)).status == 200
        assert (
            await client.ask("GET", f"/voices?{queries[1].replace('%20', '%2B')}")
        ).status == 400


@pytest.mark.rule("1.6-empty")
@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/voices", ["limit", "q", "starting_after", "gender", "is_owner", "expand[]", "fault"]),
        ("/voices", ["cartesia_version", "api_key", "access_token", "behaviour"]),
        ("/_local/state", ["limit", "audio", "context_id"]),
    ],
)
@on_virtual_time
async def test_an_empty_parameter_is_not_set(path: str, names: list[str]) -> None:
    """A response is the same with ``name=``, which the JavaScript client sends for null, as
    without.
    """
    async with over_http() as (client, _):
        await client.bytes("Hello.")
        plain = await client.ask("GET", path)
        for name in names:
            assert (await client.ask("GET", f"{path}?{name}=")).body == plain.body
        assert plain.status == 200


@pytest.mark.rule("1.5-request-id")
@on_virtual_time
async def test_a_handshake_has_an_id_that_errors_name() -> None:
    """The answer to a handshake has a request id, which is part of that of each of its errors."""
    async with connected() as (socket, _):
        of_context = await socket.ask(generation("a", "Hello.", model_id="sonic-9"))
        of_socket = await socket.ask("no JSON")
        assert socket.headers["x-request-id"] in of_context["request_id"]
        assert socket.headers["x-request-id"] in of_socket["request_id"]


@pytest.mark.rule("2.1-silence")
@on_virtual_time
async def test_nothing_comes_unasked() -> None:
    """After a handshake the service says nothing until it is asked something."""
    async with connected() as (socket, _):
        with trio.move_on_after(250) as scope:
            await socket.receive()
        assert scope.cancelled_caught


@pytest.mark.rule("2.1-chunks")
@pytest.mark.parametrize("encoding", ["pcm_s16le", "pcm_f32le", "pcm_mulaw"])
@on_virtual_time
async def test_chunks_are_small(encoding: str) -> None:
    """A chunk has 64 KiB of audio at the most, and the service cannot be told otherwise."""
    settings = {"output_format": {"container": "raw", "encoding": encoding, "sample_rate": 48000}}
    async with connected(behaviour=Behaviour(chunk_bytes=64 * 1024)) as (socket, _):
        events = await socket.speak(generation("a", TWO_SENTENCES * 2, **settings))
    sizes = [len(base64.b64decode(event["data"])) for event in events if "data" in event]
    assert max(sizes) <= 64 * 1024 < sum(sizes)
    with pytest.raises(ValueError, match="chunk_bytes"):
        Behaviour(chunk_bytes=64 * 1024 + 1)


@pytest.mark.rule("2.2-emotion")
@on_virtual_time
async def test_emotions_are_known_in_any_case() -> None:
    """An emotion counts however it is written, and one that does not exist is a 400."""
    async with connected() as (socket, _):
        for number, emotion in enumerate(("happy", "Happy", "SAD")):
            config = {"emotion": emotion}
            events = await socket.speak(generation(f"{number}", "Hi.", generation_config=config))
            assert kinds(events)[-1] == "done"
        refused = await socket.ask(generation("a", "Hi.", generation_config={"emotion": "blue"}))
    assert (refused["type"], refused["status_code"]) == ("error", 400)


@pytest.mark.rule("2.8-default")
@on_virtual_time
async def test_the_delay_is_three_seconds_unless_said() -> None:
    """Text that is no sentence yet is spoken three seconds after its first character."""
    async with connected() as (socket, _):
        start = trio.current_time()
        await socket.send(generation("a", "And then") | MORE)
        assert (await socket.receive())["type"] == "chunk"
        assert trio.current_time() - start == pytest.approx(3, abs=0.01)


@pytest.mark.rule("2.12-example")
@on_virtual_time
async def test_contexts_interleave_as_in_the_reference() -> None:
    """Two contexts go on side by side: one flushes and goes on, the other is done in between."""
    more = {"continue": True, "add_timestamps": True}
    async with connected() as (socket, server):
        await socket.send(generation("a", "First sentence. ") | more)
        await socket.send(generation("b", "Other voice.", add_timestamps=True))
        await socket.send(generation("a", "Second sentence.") | more)
        events = await socket.receive_until_over("b")
        await socket.send(generation("a") | more | {"flush": True})
        await socket.send(generation("a") | more | {"continue": False})
        events += await socket.receive_until_over("a")
    mine = [event for event in events if event["context_id"] == "a"]
    assert audio(mine) == server.journal.context("a").audio
    assert audio(events, "b") == await tones("Other voice.")
    assert kinds(mine)[-2:] == ["flush_done", "done"]
    assert {event["flush_id"] for event in mine if "data" in event} == {1}


@pytest.mark.rule("2.2-raw")
@on_virtual_time
async def test_raw_audio_alone_is_for_sockets() -> None:
    """A container other than raw is refused on a WebSocket, as there is no place for its header."""
    async with connected() as (socket, _):
        for number, container in enumerate(("wav", "mp3")):
            output = S16 | {"container": container}
            error = await socket.ask(generation(f"{number}", "Hi.", output_format=output))
            assert (error["type"], error["status_code"]) == ("error", 400)


@pytest.mark.rule("T27")
@pytest.mark.parametrize("deflate", [False, True])
@on_virtual_time
async def test_compression_is_accepted_on_request_alone(deflate: bool) -> None:
    """permessage-deflate is offered by every official client, and accepted if the service is to."""
    ours, theirs = memory_stream_pair()
    extension, behaviour = PerMessageDeflate(), Behaviour(deflate=deflate)
    async with (
        open_server(port=None, voice="tones", behaviour=behaviour) as server,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(server.serve_stream, theirs)
        socket = Client(ours)
        target = "/tts/websocket?cartesia_version=2026-08-14"
        await socket.send_event(Request("localhost", target, extensions=[extension]))
        answer = await socket.next_event()
        assert isinstance(answer, AcceptConnection)
        assert [type(agreed) for agreed in answer.extensions] == [PerMessageDeflate] * deflate
        assert audio(await socket.speak(generation("a", "Hello."))) == await tones("Hello.")
        nursery.cancel_scope.cancel()

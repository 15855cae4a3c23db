"""Faults of requests that are no WebSockets, over TCP, over TLS and in memory."""

from __future__ import annotations

import json

import h11
import pytest
import trio

from tests.server.raw import Raw, everywhere, service
from tests.server.support import S16, TWO_SENTENCES, tones

NOW = ("Cartesia-Version", "2026-08-14")
WAV_HEADER = 44


def body_of(raw: Raw) -> tuple[bytes, bool]:
    """What a client of h11 makes of the answer: its body, and whether that is all."""
    client, body = h11.Connection(h11.CLIENT), b""
    client.send(h11.Request(method="GET", target="/", headers=[("host", "me")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw.head + b"\r\n\r\n" + raw.received)
    while isinstance(event := client.next_event(), (h11.Response, h11.Data)):
        body += bytes(event.data) if isinstance(event, h11.Data) else b""
    return body, isinstance(event, h11.EndOfMessage)


async def ask_for_speech(raw: Raw, *fault: str) -> int:
    body = {"model_id": "sonic-3.5", "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"}
    body |= {"transcript": TWO_SENTENCES, "output_format": S16}
    headers = [NOW, ("Authorization", "Bearer sk_car_x")]
    headers += [("X-Fault", text) for text in fault]
    await raw.request("POST", "/tts/bytes", *headers, body=json.dumps(body).encode())
    return await raw.read_head()


@pytest.mark.parametrize(("name", "how"), [("truncated_body", "fin"), ("reset", "reset")])
@pytest.mark.parametrize("count", [0, 1, 20_000])
@everywhere
async def test_a_body_of_unknown_length_is_cut(
    transport: str, name: str, how: str, count: int
) -> None:
    """Of a chunked body come as many bytes as asked for, to the byte, and it has no end."""
    async with service(transport) as place:
        raw = await place.dial()
        assert await ask_for_speech(raw, f"{name} at_byte={count}") == 200
        assert await raw.read_until_end() == how
        assert body_of(raw) == ((await tones(TWO_SENTENCES))[:count], False)


@everywhere
async def test_a_body_may_lack_its_end_alone(transport: str) -> None:
    """All of the audio may come, and still the body is not over."""
    whole = await tones(TWO_SENTENCES)
    async with service(transport) as place:
        raw = await place.dial()
        assert await ask_for_speech(raw, f"truncated_body at_byte={len(whole)}") == 200
        assert await raw.read_until_end() == "fin"
        assert body_of(raw) == (whole, False)


@everywhere
async def test_a_body_of_known_length_is_cut(transport: str) -> None:
    """Of a body with a length fewer bytes come; without a place, none does."""
    async with service(transport) as place:
        for fault, count in (("fin at_byte=5", 5), ("fin", 0), ("truncated_body at_byte=3", 3)):
            raw = await place.dial()
            await raw.request("GET", "/", ("X-Fault", fault))
            assert await raw.read_head() == 200
            assert await raw.read_until_end() == "fin"
            assert len(raw.received) == count
            assert b"content-length" in raw.head.lower()


@everywhere
async def test_a_body_stalls(transport: str) -> None:
    """A body may stop in the middle, for a while or until the service gives up."""
    async with service(transport) as place:
        raw = await place.dial()
        assert await ask_for_speech(raw, "stall at_byte=1000") == 200
        assert await raw.read_until_end(0.1) == "silence"
        assert body_of(raw)[0] == (await tones(TWO_SENTENCES))[:1000]
        raw = await place.dial()
        started = trio.current_time()
        assert await ask_for_speech(raw, "stall at_byte=1000 seconds=0.05") == 200
        while not body_of(raw)[1]:
            await raw.read_until_end(0.01)
        assert trio.current_time() - started > 0.04
        assert body_of(raw)[0] == await tones(TWO_SENTENCES)


@everywhere
async def test_the_next_request_is_answered_as_ever(transport: str) -> None:
    """A fault is one request's: the next one on the connection is answered without it, after it."""
    async with service(transport) as place:
        raw = await place.dial()
        started = trio.current_time()
        slow = ("X-Fault", "latency seconds=0.05, drip seconds=0 size_bytes=3")
        await raw.request("GET", "/?slow", slow)
        await raw.request("GET", "/?fast")
        assert await raw.read_head() == 200
        assert trio.current_time() - started > 0.04
        started = trio.current_time()
        while raw.received.count(b"}") < 2:
            raw.received += bytes(await raw.stream.receive_some(65536))
        assert transport != "memory" or trio.current_time() == started
        assert raw.received.startswith(b'{"ok"')


@pytest.mark.parametrize("status", [204, 404, 429, 500, 503])
@everywhere
async def test_a_request_is_refused(transport: str, status: int) -> None:
    """Any request may be answered with any error, and the connection serves on."""
    async with service(transport) as place:
        raw = await place.dial()
        assert await ask_for_speech(raw, f"refused_handshake status={status}") == status
        await raw.read_until_end(0.02)
        raw.received = b""
        assert await ask_for_speech(raw) == 200
        assert [context.path for context in place.server.journal.contexts] == ["/tts/bytes"]


@everywhere
async def test_faults_of_messages_are_none_of_theirs(transport: str) -> None:
    """What can only happen to a message, or at one, does not happen to a body."""
    async with service(transport) as place:
        for fault in ("close", "reset at_frame=1", "malformed_json", "silence context_id=a"):
            raw = await place.dial()
            assert await ask_for_speech(raw, fault) == 200
            while not body_of(raw)[1]:
                raw.received += bytes(await raw.stream.receive_some(65536))
            assert body_of(raw)[0] == await tones(TWO_SENTENCES)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rest", "rest"),
        ("close code=1e3", "code"),
        ("close colour=red", "colour"),
        ("latency", "seconds"),
        ("stall seconds=-1", "seconds"),
        ("reset,", None),
        ("reset at_byte=1 at_frame=1", "at_byte"),
        ("close reason=" + "x" * 124, "reason"),
        ("reset; fin", "reset;"),
        ("close code=1 code=2", "code twice"),
        ("close reset", "reset"),
        ("code=1", "code=1"),
        (", ".join(["reset"] * 17), "16"),
    ],
)
@everywhere
async def test_what_cannot_be_had_is_refused(transport: str, text: str, named: str | None) -> None:
    """A fault that makes no sense is refused with 400, which names what is wrong, and none
    happens.
    """
    async with service(transport) as place:
        raw = await place.dial()
        await raw.request("GET", "/", NOW, ("X-Fault", text))
        assert await raw.read_head() == (400 if named else 200)
        if named:
            await raw.read_until_end(0.02)
            error = json.loads(raw.received)
            assert error["message"].startswith("Fault: ")
            assert named in error["message"]

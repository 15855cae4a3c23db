from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair, memory_stream_pair
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request

from tests.server.streams import Breaking
from tests.server.support import (
    TONES,
    catch_logs,
    connected,
    generation,
    on_virtual_time,
)
from trio_cartesia.server import Server, open_server

SPEECH = "/tts/websocket"
NOW = "?cartesia_version=2026-08-14"
ASKING = Request(host="localhost", target=SPEECH + NOW)


async def exchange(server: Server, data: bytes) -> bytes:
    """What the service answers to *data* on a connection of its own."""
    ours, theirs = memory_stream_pair()
    answer = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, theirs)
        await ours.send_all(data)
        await ours.send_eof()
        async for part in ours:
            answer += part
    return answer


async def ask(
    server: Server, line: str, *headers: str, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request."""
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{line} HTTP/1.1", "Host: me", "Connection: close", *length, *headers, "", ""]
    asked = "\r\n".join(lines).encode() + body
    raw, _, body = (await exchange(server, asked)).partition(b"\r\n\r\n")
    status, *lines = raw.decode().split("\r\n")
    found = dict(header.lower().split(": ", 1) for header in lines)
    return int(status.split()[1]), found, body


@on_virtual_time
async def test_the_root_tells_the_version_to_everybody() -> None:
    """`GET /` needs no credential, right or wrong, and names the version; HEAD is answered, too."""
    async with open_server(port=None, voice="tones", api_keys=["sk_1"]) as server:
        assert (await ask(server, "GET /", "X-API-Key: wrong"))[0] == 200
        status, headers, body = await ask(server, "GET /")
        assert (status, json.loads(body)) == (200, {"ok": True, "version": "2026-08-14"})
        assert headers["content-type"] == "application/json"
        assert len(headers["x-request-id"]) == 36
        assert (await ask(server, "HEAD /"))[::2] == (200, b"")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /nothing", 404),
        ("GET /tts", 404),
        ("GET /tts/websocket/more", 404),
        ("POST /infill/bytes", 400),
        ("POST /voice-changer/sse/", 400),
        ("GET /voices/abc", 404),
        ("GET /voices/a/b", 404),
        ("PATCH /voices/abc", 404),
        ("DELETE /voices/abc/", 404),
        ("POST /voices", 501),
        ("POST /voices/clone", 400),
        ("POST /voices/localize/", 400),
        ("PATCH /voices/abc/accents", 404),
        ("DELETE /voices/abc/accents/british", 404),
        ("GET /voices/abc/accents", 405),
        ("PUT /voices", 405),
        ("GET /access-token", 405),
        ("POST /access-token", 400),
        ("GET /voices?limit=0", 400),
        ("GET /voicesque", 404),
        ("PUT /datasets/", 405),
        ("GET /datasets//files", 404),
        ("POST /agents//metrics/metric_1", 404),
        ("GET /usage/agents", 501),
        ("POST /stt", 400),
        ("GET /stt/turns/websocket", 426),
        ("POST /", 405),
        ("DELETE /tts/websocket", 405),
        ("GET /tts/websocket", 426),
        ("GET /tts/websocket/", 426),
    ],
)
@on_virtual_time
async def test_what_is_not_done_is_refused_in_the_shape_of_the_version(
    line: str, status: int
) -> None:
    """Refusals have a body: JSON for versions that have it, a line of text for others."""
    async with open_server(port=None, voice="tones") as server:
        found, headers, body = await ask(server, line)
        error = json.loads(body)
        assert (found, error["request_id"]) == (status, headers["x-request-id"])
        assert headers.get("x-should-retry") == ("false" if status == 501 else None)
        assert error["title"]
        assert error["message"]
        found, headers, body = await ask(server, line, "Cartesia-Version: 2025-04-16")
        assert (found, headers["content-type"]) == (status, "text/plain; charset=utf-8")
        assert body.decode() == f"{error['title']}: {error['message']}"
        joined = line + (NOW.replace("?", "&") if "?" in line else NOW)
        found, headers, _ = await ask(server, joined, "cartesia-version: 2025-04-16")
        assert (found, headers["content-type"]) == (status, "application/json")


@on_virtual_time
async def test_the_page_lists_what_is_missing() -> None:
    """Each request that the page of resources calls missing gets 501, for any credential."""
    page = (Path(__file__).parents[2] / "docs/reference/local-rest.md").read_text()
    table = page.partition("## Endpoints that are missing")[2]
    lines = re.findall(r"`((?:GET|POST) /[^`]*)`", table)
    assert "GET /locales" in lines
    async with open_server(port=None, voice="tones") as server:
        for line in lines:
            admin = ["X-API-Key: sk_car_admin_1"] * ("/usage" in line or "/api-keys" in line)
            status, _, _ = await ask(server, line.replace("{id}", "a"), *admin)
            assert (line, status) == (line, 501)


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        ("POST /", "get, head"),
        ("DELETE /tts/websocket", "get"),
        ("HEAD /tts/websocket", "get"),
        ("PUT /voices/", "get, head, post"),
        ("PUT /voices/abc", "get, head, patch, delete"),
        ("GET /access-token", "post"),
    ],
)
@on_virtual_time
async def test_another_method_hears_which_are_allowed(line: str, allow: str) -> None:
    """405 says what is allowed, and HEAD does not open a WebSocket, whatever else it asks for."""
    handshake = [
        *("Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    async with open_server(port=None, voice="tones") as server:
        for headers in ([], handshake):
            status, found, body = await ask(server, line, *headers)
            assert (status, found["allow"]) == (405, allow)
            assert bool(body) != line.startswith("HEAD")


@given(st.binary(max_size=100), st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"GET "]))
@on_virtual_time
async def test_garbage_gets_an_answer_or_nothing(garbage: bytes, start: bytes) -> None:
    """Whatever is sent, the connection ends in order, and what is answered is HTTP."""
    async with open_server(port=None, voice=TONES) as server:
        with catch_logs(logging.WARNING) as lines:
            answer = await exchange(server, start + garbage)
        assert answer.startswith(b"HTTP/1.1 ") or not answer
        assert not lines


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Sec-WebSocket-Version: 8", 426),
        ("Sec-WebSocket-Key: short", 400),
        ("Sec-WebSocket-Key: ", 400),
        ("Sec-WebSocket-Key: é", 400),
        ("Connection: close", 426),
        ("Upgrade: h2c", 426),
    ],
)
@on_virtual_time
async def test_a_bad_handshake_is_refused(header: str, status: int) -> None:
    """A handshake with a wrong header gets 400 or 426 and a body."""
    good = {
        "Connection": "keep-alive, Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    name, _, value = header.partition(": ")
    lines = [f"{key}: {content}" for key, content in {**good, name: value}.items()]
    async with open_server(port=None, voice="tones") as server:
        head = "\r\n".join([f"GET {SPEECH} HTTP/1.1", "Host: me", *lines, "", ""])
        answer = await exchange(server, head.encode("latin-1"))
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert b'"error_code"' in answer
        assert [record.status for record in server.journal.connections] == [status]
        old = head.replace("HTTP/1.1", "HTTP/1.0").encode("latin-1")
        assert (await exchange(server, old)).startswith(b"HTTP/1.1 426 ")


@on_virtual_time
async def test_a_connection_that_asks_nothing_is_closed() -> None:
    """A peer that connects and says nothing is let go after the idle time."""
    async with open_server(port=None, voice="tones") as server:
        ours, theirs = memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs)
            assert await ours.receive_some() == b""
        assert trio.current_time() == pytest.approx(301)


@pytest.mark.parametrize("request_line", ["GET /", "POST /", "GET"])
@on_virtual_time
async def test_a_peer_that_never_reads_an_answer_is_let_go(request_line: str) -> None:
    """A peer that asks again and again without reading is let go after the idle time, too."""
    async with open_server(port=None, voice="tones") as server:
        ours, theirs = lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs)
            await ours.send_all(f"{request_line} HTTP/1.1\r\nHost: me\r\n\r\n".encode() * 999)
        assert trio.current_time() == pytest.approx(301)


@on_virtual_time
async def test_a_handshake_that_nobody_reads_is_given_up() -> None:
    """A peer that asks for a WebSocket and does not read the answer is let go after the idle
    time.
    """
    async with open_server(port=None, voice="tones") as server:
        ours, theirs = lockstep_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve_stream, theirs)
            await ours.send_all(WSConnection(ConnectionType.CLIENT).send(ASKING))
        assert trio.current_time() == pytest.approx(301)
        assert not server.journal.connections


@pytest.mark.parametrize(
    ("target", "headers", "is_structured"),
    [
        (SPEECH, [], True),
        (SPEECH, [("Cartesia-Version", "2025-11-04")], False),
        (SPEECH + NOW, [("Cartesia-Version", "2025-11-04")], True),
        (SPEECH + "?cartesia_version=2024-06-10", [("Cartesia-Version", "2026-03-01")], False),
        (SPEECH + "/?cartesia_version=2030-01-01", [], False),
    ],
)
@on_virtual_time
async def test_the_version_decides_how_errors_look(
    target: str, headers: list[tuple[str, str]], is_structured: bool
) -> None:
    """The query's version wins over the header's, and no version at all means the current one."""
    async with connected(target, headers=headers) as (client, _):
        event = await client.ask(generation("a", "Hello.", model_id="sonic-9"))
        assert event["context_id"] == "a"
        assert ("error_code" in event, "error" in event) == (is_structured, not is_structured)
        if is_structured:
            connection, context_id, _ = event["request_id"].split(":")
            assert (connection, context_id) == (client.headers["x-request-id"], "a")


@on_virtual_time
async def test_an_answer_that_cannot_be_written_is_dropped() -> None:
    """A peer that is gone before its answer ends its connection without a word in the log."""
    async with open_server(port=None, voice="tones") as server:
        ours, theirs = memory_stream_pair()
        await ours.send_all(b"GET / HTTP/1.1\r\nHost: me\r\n\r\n")
        with catch_logs(logging.WARNING) as lines:
            await server.serve_stream(Breaking(theirs, 1))
        assert not lines
        assert await ours.receive_some() == b""

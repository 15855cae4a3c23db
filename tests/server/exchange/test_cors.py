from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import (
    TONES,
    audio,
    connected,
    generation,
    on_virtual_time,
    tones,
)
from tests.server.test_routes import ask, exchange
from trio_cartesia.server import open_server
from trio_cartesia.server.exchange.cors import cors_headers, is_preflight
from trio_cartesia.server.net.requests import Request

PAGE = "Origin: https://page.example"
PUBLIC = ["/", "/voices", "/access-token", "/tts/bytes", "/tts/sse", "/stt", "/nothing", "/files/1"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/", {"GET", "HEAD"}),
        ("/tts/websocket", {"GET"}),
        ("/access-token", {"POST"}),
        ("/access-token/", {"POST"}),
        ("/tts/bytes", {"POST"}),
        ("/datasets/", {"GET", "HEAD", "POST"}),
        ("/infill/bytes", {"POST"}),
        ("/stt", {"POST"}),
        ("/nothing", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
    ],
)
@on_virtual_time
async def test_a_preflight_needs_no_credential(path: str, methods: set[str]) -> None:
    """A browser that asks first hears which methods there are, and that its headers are welcome."""
    wanted = "authorization,cartesia-version,content-type,x-stainless-os"
    asking = [
        *(PAGE, "Access-Control-Request-Method: POST"),
        f"Access-Control-Request-Headers: {wanted}",
    ]
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, headers, body = await ask(server, f"OPTIONS {path}", *asking)
        assert (status, body) == (204, b"")
        assert "content-type" not in headers
        assert headers["access-control-allow-origin"] == "*"
        assert {*headers["access-control-allow-methods"].upper().split(", ")} == methods
        assert headers["access-control-allow-headers"] == wanted
        assert headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("wanted", ["", ",", "a b", "é", "x-a,,x-b", "x;y"])
@on_virtual_time
async def test_a_preflight_without_sensible_wishes_hears_the_usual(wanted: str) -> None:
    """Who names no headers, or what cannot be headers, is told those that clients send."""
    async with open_server(port=None, voice="tones") as server:
        _, headers, _ = await ask(
            server, "OPTIONS /tts/sse", PAGE, f"Access-Control-Request-Headers: {wanted}"
        )
        allowed = headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "x-api-key", "cartesia-version", "content-type"} < {*allowed}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", PUBLIC)
@on_virtual_time
async def test_a_page_may_read_every_answer(path: str, method: str) -> None:
    """Answers and refusals alike say that a page may read them, their request id included."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        for key in ("Bearer sk_car_1", "Bearer wrong"):
            _, headers, _ = await ask(server, f"{method} {path}", PAGE, f"Authorization: {key}")
            assert headers["access-control-allow-origin"] == "*"
            exposed = headers["access-control-expose-headers"].split(", ")
            assert exposed == ["x-request-id", "cartesia-file-id", "retry-after"]
            assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("path", ["/_local/state", "/_local", "/_local/", "/%5Flocal/state"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@on_virtual_time
async def test_no_page_reads_what_the_service_tells_of_itself(path: str, method: str) -> None:
    """Under ``/_local/`` nothing is for pages, which could read what others had spoken."""
    async with open_server(port=None, voice="tones") as server:
        _, headers, _ = await ask(
            server, f"{method} {path}", PAGE, "Access-Control-Request-Method: GET"
        )
        assert not any(name.startswith("access-control") for name in headers)


@on_virtual_time
async def test_a_page_of_any_origin_speaks() -> None:
    """WebSockets are accepted from wherever the page is, with its credential in the query."""
    target = "/tts/websocket?cartesia_version=2026-08-14&api_key=sk_car_1"
    headers = [("Origin", "https://page.example")]
    async with connected(target, headers=headers, api_keys=["sk_car_1"]) as (client, _):
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30))
@on_virtual_time
async def test_wishes_are_granted_or_not_but_never_break_an_answer(wanted: str) -> None:
    """Whatever a preflight asks for, the answer is a 204."""
    async with open_server(port=None, voice=TONES) as server:
        status, _, _ = await ask(
            server, "OPTIONS /voices", f"Access-Control-Request-Headers: {wanted.strip()}"
        )
        assert status in (204, 400)


def test_what_is_private_is_told_by_its_path() -> None:
    """A path that only looks like a private one is as open as all others."""
    for path, is_private in [("/_local/x", True), ("/voices/_local", False), ("/_LOCAL", False)]:
        request = Request(method="OPTIONS", path=path)
        assert is_preflight(request) is not is_private
        assert bool(list(cors_headers(request))) is not is_private


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((name, 200) for name in ("localhost", "LOCALHOST:8080", "127.0.0.1:80", "[::1]:8080")),
        *((name, 200) for name in ("cartesia:8080", "app.localhost", "mac.local", "10.0.0.7.")),
        *((name, 200) for name in ("[::ffff:127.0.0.1]", "::1:8080", "speech.team.example", "")),
        *((name, 403) for name in ("page.example", "page.example:8080", "Page.Example.", "1.2.x")),
        *(
            (name, 403)
            for name in (
                "127.0.0.1.evil.example",
                "0x7f.1",
                "team.example",
                "x.speech.team.example",
            )
        ),
        *(
            (name, 400)
            for name in ("[evil.example]", "[::1].evil.com", "[::1]evil.com:80", "[1.2.3.4]")
        ),
    ],
)
@on_virtual_time
async def test_a_name_of_anybodys_does_not_lead_to_what_is_private(host: str, status: int) -> None:
    """A page whose name was made to point here hears nothing under ``/_local/``, unless it has a
    key; the API itself is open to every name.
    """
    key = "Authorization: Bearer sk_car_1"
    names = {"tls": True, "tls_names": ["Speech.team.example"]}
    for keys, path, expected in [
        (None, "/_local/state", status),
        (["sk_car_1"], "/_local/state", 400 if status == 400 else 200),
        (None, "/voices", 400 if status == 400 else 200),
    ]:
        async with open_server(port=None, voice="tones", api_keys=keys, **names) as server:
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", key, "", ""]
            answer = await exchange(server, "\r\n".join(lines).encode())
            assert int(answer.split()[1]) == expected
            assert (b"Forbidden" in answer) == (expected == 403)

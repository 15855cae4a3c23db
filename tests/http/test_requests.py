"""What a request carries, and whose it is."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import ssl
from datetime import UTC, datetime

import pytest
import trio
import trio.lowlevel
from hypothesis import given
from hypothesis import strategies as st

from tests.http.scripted import KEY, answer, chunked, scripted
from tests.support import SETTINGS
from trio_cartesia import AuthenticationFailed, Cartesia, ConnectFailed, LocalProtocolError
from trio_cartesia.testing import on_virtual_time
from trio_cartesia.types import ResponseInfo

VOICE = answer({"id": "v", "name": "n"}, x_request_id="r-1")
STATUS = answer({"ok": True, "version": "2026-03-01"})


@on_virtual_time
async def test_every_request_has_the_headers_of_the_client():
    """The version, the credential and the client's own headers, below the base's path."""
    async with scripted(VOICE, headers={"X-Team": "a"}) as (client, service):
        await client.voices.get("v 1/ä", expand=["preview_file_url"])
    (asked,) = service.asked
    assert asked.method == "GET"
    assert asked.target == "/prefix/voices/v%201%2F%C3%A4?expand%5B%5D=preview_file_url"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["cartesia-version"] == client.version
    assert asked.headers["x-team"] == "a"
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["host"] == "localhost"
    assert asked.headers["user-agent"].startswith("trio-cartesia/")
    assert asked.body == b""


@on_virtual_time
async def test_options_of_a_call_win_over_those_of_the_client():
    """Headers, queries and bodies are joined, the call's last."""
    async with scripted(VOICE) as (client, service):
        other = client.with_options(
            extra_headers={"X-Team": "b", "X-Own": "1"}, extra_query={"a": 1, "b": 2}
        )
        await other.voices.update(
            "v", name="n", extra_headers={"x-team": "c"}, extra_query={"b": None, "c": [True, 3.5]},
            extra_body={"tagline": "t", "name": "m"},
        )  # fmt: skip
        await client.voices.get("v")
    first, second = service.asked
    assert first.target == "/prefix/voices/v?a=1&c=true&c=3.5"
    assert (first.headers["x-team"], first.headers["x-own"]) == ("c", "1")
    assert first.json == {"name": "m", "tagline": "t"}
    assert "x-own" not in second.headers
    assert second.target == "/prefix/voices/v"


@on_virtual_time
async def test_null_is_sent_where_it_means_something():
    """None clears a voice's gender; what is not given is not sent."""
    async with scripted(VOICE) as (client, service):
        await client.voices.update("v", gender=None)
        await client.voices.update("v")
    assert [asked.body for asked in service.asked] == [b'{"gender":null}', b"{}"]


@on_virtual_time
async def test_each_response_can_be_seen():
    """Status, headers and request id of every kind of call, of failed attempts as well."""
    seen: list[ResponseInfo] = []
    failed = answer({}, status=503, x_request_id="r-0")
    async with scripted(failed, VOICE) as (client, _):
        await client.voices.get("v", on_response=seen.append)
    assert [(info.status_code, info.request_id) for info in seen] == [(503, "r-0"), (200, "r-1")]
    assert seen[1].headers["content-type"] == "application/json"
    async with scripted(chunked(b"audio")) as (client, _):
        async with client.tts.generate(**SETTINGS, transcript="Hi.") as response:
            assert (response.status_code, response.request_id) == (200, None)
            assert response.headers["content-type"] == "audio/wav"


@on_virtual_time
async def test_an_endpoint_without_a_method_can_be_requested():
    """The body, the query and the response are the caller's."""
    async with scripted(answer({"x": 1})) as (client, service):
        start = datetime(2026, 1, 1, tzinfo=UTC)
        response = await client.request(
            "PUT", "/locales", query={"since": start, "all": False}, json={"a": ["ä"]}
        )
    assert response.json() == {"x": 1}
    assert response.text == '{"x": 1}'
    (asked,) = service.asked
    assert asked.target == "/prefix/locales?since=2026-01-01T00%3A00%3A00%2B00%3A00&all=false"
    assert asked.json == {"a": ["ä"]}


def token_of(seconds: float, number: int = 0, **claims: object) -> str:
    """Return a token that ends after so many seconds; nobody verifies it here."""
    body = {"iat": 1000, "exp": 1000 + seconds, "n": number, **claims}
    parts = [{"alg": "none"}, body, "signature"]
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    )


@given(st.integers(2, 3600), st.lists(st.floats(0, 100), min_size=1, max_size=12))
@on_virtual_time
async def test_a_token_is_renewed_before_it_ends(seconds, pauses):
    """No request carries a token that has ended, and none is made while the last one is good."""
    made: list[tuple[str, float]] = []

    async def create() -> str:
        await trio.lowlevel.checkpoint()
        made.append((token_of(seconds, len(made)), trio.current_time()))
        return made[-1][0]

    async with scripted(STATUS, token=create) as (client, service):
        for pause in pauses:
            await trio.sleep(pause)
            await client.get_status()
            born = dict(made)[service.asked[-1].headers["authorization"].removeprefix("Bearer ")]
            assert trio.current_time() < born + seconds
    for (_, first), (_, second) in itertools.pairwise(made):
        assert second - first >= seconds - min(30, seconds / 2)


@on_virtual_time
async def test_one_token_is_made_for_requests_at_once():
    """Requests that need a token wait for the same one."""
    made = []

    async def create() -> str:
        made.append(1)
        await trio.sleep(1)
        return token_of(60)

    async with scripted(STATUS, token=create) as (client, _), trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(client.get_status)
    assert made == [1]


def opaque_tokens():
    """Return a function that makes tokens without a time in them: ``opaque-1`` and so on."""
    numbers = itertools.count(1)

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        return f"opaque-{next(numbers)}"

    return create


@on_virtual_time
async def test_a_token_that_is_refused_is_renewed_once():
    """A token without a time in it is used until the service refuses it."""
    refused = answer({"message": "expired"}, status=401)
    async with scripted(STATUS, refused, STATUS, refused, token=opaque_tokens()) as (
        client,
        service,
    ):
        await client.get_status()
        await client.get_status()
        with pytest.raises(AuthenticationFailed):
            await client.get_status()
    used = [asked.headers["authorization"][-1] for asked in service.asked]
    assert used == ["1", "1", "2", "2", "3"]


@on_virtual_time
async def test_a_refusal_that_comes_late_discards_no_newer_token():
    """Requests that the service refuses with the same token share the next one."""
    refused = answer({"message": "expired"}, status=401)
    scripts = [[1.0, *refused], [5.0, *refused], STATUS]
    async with scripted(*scripts, token=opaque_tokens()) as (client, service):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.get_status)
            nursery.start_soon(client.get_status)
    used = [asked.headers["authorization"][-1] for asked in service.asked]
    assert used == ["1", "1", "2", "2"]


@pytest.mark.parametrize("kind", [AuthenticationFailed, ConnectFailed])
@on_virtual_time
async def test_an_error_of_the_function_is_raised_as_it_is(kind):
    """It is not one of the request, which is neither counted nor sent again for it."""
    made = []

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        made.append(1)
        raise kind("of the function")

    async with scripted(STATUS, token=create) as (client, _):
        with pytest.raises(kind, match="of the function"):
            await client.get_status()
        assert made == [1]
        assert client.statistics().requests_sent == 0


@on_virtual_time
async def test_a_header_is_sent_once(monkeypatch):
    """Those of a call win over those of its client, and the type of a body is the request's."""
    monkeypatch.setenv("CARTESIA_CUSTOM_HEADERS", "X-One: environment\nX-Two: environment")
    given = {"x-one": "client", "content-type": "text/plain", "ACCEPT": "text/plain"}
    async with scripted(VOICE, headers=given) as (client, service):
        other = client.with_options(extra_headers={"X-Three": "a"})
        other = other.with_options(extra_headers={"x-three": "b"})
        await other.voices.update("v", name="n")
        await other.voices.update("v", name="n", extra_headers={"Accept": "own/type"})
    first, second = (asked.headers for asked in service.asked)
    assert [first[f"x-{each}"] for each in ("one", "two", "three")] == [
        "client",
        "environment",
        "b",
    ]
    assert first["content-type"] == first["accept"] == "application/json"
    assert second["accept"] == "own/type"


async def test_the_address_of_requests_needs_a_credential_too(monkeypatch):
    """A client of a local WebSocket may have none; its requests over HTTP go elsewhere."""
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    client = Cartesia(base_url="https://host", websocket_base_url="ws://localhost:1")
    async with client:
        with pytest.raises(LocalProtocolError, match="no credential for https://host"):
            await client.get_status()


@pytest.mark.parametrize("token", [lambda: "plain", lambda: 7])
@on_virtual_time
async def test_a_function_that_is_none_is_an_error(token):
    """It must be async, and return a str."""
    async with scripted(STATUS, token=token) as (client, _):
        with pytest.raises(LocalProtocolError, match="token"):
            await client.get_status()


async def test_a_renewed_token_opens_websockets_too():
    """The handshake carries the token of the moment."""
    headers = []

    async def serve(stream):
        async with stream:
            headers.append(await stream.receive_some())

    async def create() -> str:
        await trio.lowlevel.checkpoint()
        return token_of(60)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, serve, 0)
        port = listeners[0].socket.getsockname()[1]
        async with Cartesia(token=create, base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(Exception, match="handshake"):
                async with client.tts.websocket_connect():
                    pass
        nursery.cancel_scope.cancel()
    assert f"Authorization: Bearer {token_of(60)}".encode() in headers[0]


@on_virtual_time
async def test_neither_keys_nor_texts_show(caplog):
    """Not in a log of any level, not in a repr."""
    caplog.set_level(logging.DEBUG)
    async with scripted(chunked(b"audio"), chunked(b"audio")) as (client, _):
        async with client.tts.generate(**SETTINGS, transcript="a canary sings") as response:
            await response.read()
            shown = f"{response!r} {client!r} {client.voices!r} {client._endpoint!r}"
    assert "canary" not in caplog.text
    assert "canary" not in shown


async def test_a_users_tls_context_is_left_as_it_is():
    """The library below sets ALPN on its context, which a user's may share with others."""

    class Context(ssl.SSLContext):
        def set_alpn_protocols(self, _):
            raise AssertionError

    async def refuse(*_):  # noqa: ASYNC124  # it has to be async
        raise OSError

    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    client = Cartesia(KEY, base_url="https://x", ssl_context=context, open_stream=refuse)
    async with client:
        with pytest.raises(Exception, match="no connection"):
            await client.get_status(max_retries=0)

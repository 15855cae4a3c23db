from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.access.test_tokens import token
from tests.server.support import (
    TONES,
    WEBSOCKET,
    APIError,
    catch_logs,
    connect,
    connected,
    on_virtual_time,
)
from tests.server.test_routes import ask
from trio_cartesia.server import PLANS, Server, open_server
from trio_cartesia.server.access.credentials import Credentials, find_credential
from trio_cartesia.server.net.requests import Request

KEYS = ["sk_car_1", "sk_é2", "sk_car_admin_1"]


def carrying(**credentials: str | bytes) -> tuple[str, list[tuple[str, str]]]:
    """The query and the headers of a request with these credentials."""
    query, headers = "", []
    for place, secret in credentials.items():
        raw = secret if isinstance(secret, bytes) else secret.encode()
        match place:
            case "bearer":
                headers.append(("Authorization", f"bearer {raw.decode('latin-1')}"))
            case "x_api_key":
                headers.append(("X-API-Key", raw.decode("latin-1")))
            case _:
                query += f"&{place}={quote_from_bytes(raw)}"
    return query, headers


async def status_of(server: Server, line: str = "DELETE /tts/websocket", **credentials: str) -> int:
    """What becomes of a request with these credentials; 405 says that they were good enough."""
    query, headers = carrying(**credentials)
    lines = [f"{name}: {value}" for name, value in headers]
    status, _, body = await ask(server, f"{line}?{query}", *lines)
    error = json.loads(body)
    if status in (401, 403):
        assert set(error) == {"error_code", "title", "message", "request_id"}
        assert error["title"] == {401: "Unauthorized", 403: "Forbidden"}[status]
        assert not any(secret in error["message"] for secret in credentials.values() if secret)
    return status


@pytest.mark.parametrize("place", ["bearer", "x_api_key", "api_key"])
@pytest.mark.parametrize(("key", "is_known"), [("sk_car_1", True), ("sk_é2", True), ("no", False)])
@on_virtual_time
async def test_one_of_the_keys_opens_the_door(place: str, key: str, is_known: bool) -> None:
    """A key is taken from any of the three places, over HTTP and by WebSockets, if it is known."""
    query, headers = carrying(**{place: key})
    lines = [f"{name}: {value.encode('latin-1').decode()}" for name, value in headers]
    async with open_server(port=None, voice=TONES, api_keys=KEYS) as server:
        status, _, _ = await ask(server, f"GET /datasets?{query}", *lines)
        assert status == (200 if is_known else 401)
        async with trio.open_nursery() as nursery:
            raw = [(name, value.encode("latin-1").decode()) for name, value in headers]
            opening = connect(server, nursery, WEBSOCKET + query, headers=raw)
            if is_known:
                assert len((await opening).headers["x-request-id"]) == 36
            else:
                with pytest.raises(APIError) as caught:
                    await opening
                assert caught.value.status == 401
                assert json.loads(caught.value.body)["title"] == "Unauthorized"
            nursery.cancel_scope.cancel()
        status = 101 if is_known else 401
        assert [record.status for record in server.journal.connections] == [status]


@on_virtual_time
async def test_each_kind_has_its_place() -> None:
    """A key does not pass as ``access_token``, nor a token as ``api_key`` or ``X-API-Key``."""
    async with open_server(port=None, voice="tones", api_keys=KEYS) as server:
        text = await token(server)
        assert await status_of(server, bearer=text) == 405
        assert await status_of(server, access_token=text) == 405
        assert await status_of(server, x_api_key=text) == 401
        assert await status_of(server, api_key=text) == 401
        assert await status_of(server, access_token="sk_car_1") == 401


@pytest.mark.parametrize(
    ("credentials", "status"),
    [
        ({"bearer": "sk_car_1", "x_api_key": "wrong", "api_key": "wrong"}, 405),
        ({"bearer": "wrong", "x_api_key": "sk_car_1"}, 401),
        ({"x_api_key": "sk_car_1", "api_key": "wrong", "access_token": "wrong"}, 405),
        ({"x_api_key": "wrong", "api_key": "sk_car_1"}, 401),
        ({"api_key": "sk_car_1", "access_token": "wrong"}, 405),
        ({"bearer": "", "x_api_key": "", "api_key": "sk_car_1"}, 405),
        ({"access_token": "", "api_key": ""}, 401),
        ({}, 401),
    ],
)
@on_virtual_time
async def test_of_several_credentials_the_first_counts(
    credentials: dict[str, str], status: int
) -> None:
    """The header Authorization goes before X-API-Key, and headers before the query; empty ones do
    not count, and a wrong one is not made good by another.
    """
    async with open_server(port=None, voice="tones", api_keys=KEYS) as server:
        assert await status_of(server, **credentials) == status


@pytest.mark.parametrize("scheme", ["Basic sk_car_1", "sk_car_1", "Bearer", "Token sk_car_1"])
@on_virtual_time
async def test_only_bearers_are_asked(scheme: str) -> None:
    """Another scheme of authorization is as good as none."""
    async with open_server(port=None, voice="tones", api_keys=KEYS) as server:
        assert (await ask(server, "GET /datasets", f"Authorization: {scheme}"))[0] == 401
        both = (f"Authorization: {scheme}", "X-API-Key: sk_car_1")
        assert (await ask(server, "GET /datasets", *both))[0] == 200


@on_virtual_time
async def test_admin_keys_are_for_the_organisation() -> None:
    """An admin key is refused by the normal API, a normal key by the organisation's."""
    async with open_server(port=None, voice="tones", api_keys=KEYS) as server:
        admin, key = {"bearer": "sk_car_admin_1"}, {"bearer": "sk_car_1"}
        for line in ("DELETE /tts/websocket", "GET /datasets", "POST /access-token"):
            assert await status_of(server, line, **admin) == 403
        for line in ("GET /usage/agents", "GET /api-keys", "GET /api-keys/1"):
            assert await status_of(server, line, **admin) == 501
            assert await status_of(server, line, **key) == 403
        assert await status_of(server, "GET /usage", bearer="sk_car_admin_2") == 401


@on_virtual_time
async def test_without_keys_nearly_everybody_comes_in() -> None:
    """A service without keys takes any credential or none, but no admin key where none belongs."""
    async with connected(), connected(headers=[("Authorization", "Basic x")]):
        pass
    async with open_server(port=None, voice="tones") as server:
        assert await status_of(server) == 405
        for place in ("bearer", "x_api_key", "api_key", "access_token"):
            assert await status_of(server, **{place: "anything"}) == 405
            assert await status_of(server, **{place: "sk_car_admin_x"}) == 403
        assert await status_of(server, "GET /usage") == 501


@on_virtual_time
async def test_keys_are_a_collection_of_strings() -> None:
    """One string is no collection of keys, what is no string is no key, and no keys let nobody
    in.
    """
    for wrong, error in [("sk_1", TypeError), ([b"sk_1"], TypeError), ([""], ValueError)]:
        keys: Any = wrong
        with pytest.raises(error, match="api_keys"):
            async with open_server(port=None, voice="tones", api_keys=keys):
                pass
    async with open_server(port=None, voice="tones", api_keys=[]) as server:
        assert await status_of(server, bearer="sk_car_1") == 401


@on_virtual_time
async def test_old_versions_are_refused_in_words() -> None:
    """Versions without structured errors hear in a line of text why they may not come in."""
    async with open_server(port=None, voice="tones", api_keys=KEYS) as server:
        old = "Cartesia-Version: 2025-11-04"
        for key, status, start in [("no", 401, b"Unauthorized: "), (KEYS[2], 403, b"Forbidden: ")]:
            for line in ("GET /voices", "POST /access-token", "GET /tts/websocket"):
                found, headers, body = await ask(server, line, old, f"X-API-Key: {key}")
                assert (found, headers["content-type"]) == (status, "text/plain; charset=utf-8")
                assert body.startswith(start)


@given(st.binary(max_size=20), st.sampled_from(["bearer", "x_api_key", "api_key", "access_token"]))
@on_virtual_time
async def test_any_bytes_may_be_a_credential(secret: bytes, place: str) -> None:
    """Whatever stands where a credential belongs, it is judged, and never shown."""
    await trio.lowlevel.checkpoint()
    credentials = Credentials.of(["sk_car_1"], "free")
    query, headers = carrying(**{place: secret})
    request = Request(
        method="GET",
        path="/",
        query={name: [secret.decode(errors="replace")] for name in (place,) if query},
        headers={name.lower(): value for name, value in headers},
    )
    with pytest.raises(Exception, match="Unauthorized"):
        credentials.identify(request, "key")
    found = find_credential(request)
    assert found is None or "secret" not in repr(found)


@on_virtual_time
async def test_secrets_show_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """Neither logs nor what objects say of themselves has a key or a token in it."""
    logger = "trio_cartesia.server"
    with caplog.at_level(logging.DEBUG, logger), catch_logs(logging.DEBUG) as lines:
        async with open_server(port=None, voice="tones", api_keys={"sk_car_1": "pro"}) as server:
            text = await token(server)
            query = f"&api_key=sk_car_1&access_token={text}"
            async with trio.open_nursery() as nursery:
                await connect(server, nursery, WEBSOCKET + query)
                nursery.cancel_scope.cancel()
            await ask(server, f"GET /nothing?{query}", "X-API-Key: sk_car_1")
            await ask(server, f"GET /datasets?{query}", f"Authorization: Bearer {text}")
            credentials = server._state.credentials
            shown = [
                *(repr(value) for value in (server, credentials, credentials.tokens)),
                *(repr(value) for value in (credentials.accounts, server.journal)),
                repr(server.journal.connections),
                *lines,
            ]
    assert lines
    assert not any("sk_car_1" in line or text in line for line in shown)


@on_virtual_time
async def test_an_account_does_not_give_its_key_away() -> None:
    """The id of an account is another one in each service, so that nobody can try keys on it."""
    await trio.lowlevel.checkpoint()
    request = Request(method="GET", path="/", headers={"x-api-key": "sk_car_1"})
    ids = {Credentials.of(None, PLANS["pro"]).identify(request, "key").id for _ in "ab"}
    assert len(ids) == 2

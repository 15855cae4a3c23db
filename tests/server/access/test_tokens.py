from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
import trio
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.server.support import (
    TONES,
    WEBSOCKET,
    APIError,
    audio,
    connect,
    generation,
    on_virtual_time,
    tones,
)
from tests.server.test_routes import ask
from trio_cartesia.server import Behaviour, Server, open_server
from trio_cartesia.server.access.tokens import GRANTS, Claims, Grant, Tokens

KEY = "Authorization: Bearer sk_car_1"


def decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def make(server: Server, body: Any = None, *headers: str) -> tuple[int, Any]:
    """Status and body of the answer to a request for a token."""
    data = body if isinstance(body, str) else json.dumps({"grants": {"tts": True}, **(body or {})})
    status, _, answer = await ask(
        server, "POST /access-token", *(headers or (KEY,)), body=data.encode()
    )
    return status, json.loads(answer)


async def token(server: Server, **body: Any) -> str:
    status, answer = await make(server, body)
    assert (status, set(answer)) == (200, {"token"})
    return answer["token"]


@given(
    st.dictionaries(st.sampled_from([*GRANTS, "more"]), st.booleans()) | st.none(),
    st.none() | st.integers(1, 3600),
)
@on_virtual_time
async def test_a_token_is_a_json_web_token(
    grants: dict[str, bool] | None, seconds: int | None
) -> None:
    """Whatever is asked for, the answer is an HS256 token with just those grants and that time."""
    async with open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server:
        text = await token(server, grants=grants, expires_in=seconds)
        header, claims, _ = text.split(".")
        assert decoded(header) == {"alg": "HS256", "typ": "JWT"}
        found = decoded(claims)
        assert found["grants"] == {grant: bool((grants or {}).get(grant)) for grant in GRANTS}
        assert found["exp"] - found["iat"] == (seconds or 60)
        assert abs(found["iat"] - time.time()) < 60
        assert "sk_car_1" not in json.dumps(found)


@on_virtual_time
async def test_the_signature_is_that_of_rfc_7515() -> None:
    """Whoever had the secret could check a token with any JWT library."""
    await trio.lowlevel.checkpoint()
    tokens = Tokens()
    signed, _, signature = tokens.sign(account="a", grants=["tts"], seconds=9).rpartition(".")
    expected = hmac.digest(tokens._secret, signed.encode(), "sha256")
    assert base64.urlsafe_b64decode(signature + "=") == expected


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": 3601}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": "60"}, "expires_in"),
        ({"grants": ["tts"]}, "grants"),
        ({"grants": {"tts": 1}}, "grants.tts"),
        ({"grants": {"agent": "yes"}}, "grants.agent"),
        ("[]", "object"),
        ("", "JSON"),
        ("{", "JSON"),
        ('{"expires_in": NaN}', "JSON"),
        ("[" * 9999, "JSON"),
    ],
)
@on_virtual_time
async def test_a_bad_request_for_a_token_is_refused(body: Any, name: str) -> None:
    """A time beyond the hour, or anything of the wrong type, gets a 400 that names it."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, error = await make(server, body)
        assert status == 400
        assert name in error["message"]


@on_virtual_time
async def test_a_request_that_is_too_large_is_refused() -> None:
    """A body beyond a mebibyte gets 413, whatever is in it."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        status, error = await make(server, " " * 1024 * 1024 + "{}")
        assert (status, bool(error["message"])) == (413, True)
        assert (await make(server, " " * 1000 * 1024 + "{}"))[0] == 200


@on_virtual_time
async def test_only_a_key_makes_tokens() -> None:
    """A token cannot make a token, whatever it may do, and nobody can without a credential."""
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        text = await token(server, grants=dict.fromkeys(GRANTS, True))
        assert (await make(server, None, f"Authorization: Bearer {text}"))[0] == 403
        assert (await make(server, None, "X-Nothing: here"))[0] == 401
        assert (await make(server, None, "X-API-Key: sk_car_2"))[0] == 401
        assert (await make(server, None, "X-API-Key: sk_car_1", "Content-Type: text/x"))[0] == 200


@pytest.mark.parametrize("api_keys", [["sk_car_1"], None])
@pytest.mark.parametrize("place", ["Bearer", "access_token"])
@on_virtual_time
async def test_a_token_opens_what_it_was_granted_for(place: str, api_keys: Any) -> None:
    """With the grant a page of a browser speaks; without it, and elsewhere, it is told 403."""
    async with (
        open_server(port=None, voice=TONES, api_keys=api_keys) as server,
        trio.open_nursery() as nursery,
    ):

        async def enter(text: str, target: str) -> Any:
            if place == "Bearer":
                return await connect(
                    server, nursery, target, headers=[("Authorization", f"Bearer {text}")]
                )
            return await connect(server, nursery, f"{target}&access_token={text}")

        client = await enter(await token(server), WEBSOCKET)
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")
        others = await token(server, grants={"stt": True, "agent": True})
        for text, target, status in [
            (others, WEBSOCKET, 403),
            (others, "/stt/websocket?", 400),
            (others, "/agents/stream/agent_1?", 501),
            (others, "/agents?", 403),
            (others, "/usage/credits?", 403),
            (await token(server), "/stt?", 403),
            (await token(server), "/agents/stream/agent_1?", 403),
            (await token(server), "/datasets?", 403),
        ]:
            with pytest.raises(APIError) as caught:
                await enter(text, target)
            assert (caught.value.status, target) == (status, target)
        nursery.cancel_scope.cancel()


@pytest.mark.slow
@given(st.integers(1, 3000), st.floats(0, 100))
@on_virtual_time
async def test_a_token_expires_on_time(seconds: int, start: float) -> None:
    """A token opens doors for as long as was asked, and not a second longer than the next full
    one.
    """
    await trio.sleep(start)
    async with open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server:
        await trio.sleep(start)
        bearer = f"Authorization: Bearer {await token(server, expires_in=seconds)}"
        made = trio.current_time()
        await trio.sleep_until(made + seconds - 0.001)
        assert (await ask(server, "POST /tts/websocket", bearer))[0] == 405
        await trio.sleep_until(made + seconds + 1)
        status, _, body = await ask(server, "POST /tts/websocket", bearer)
        assert status == 401
        assert "expired" in json.loads(body)["message"]
        assert (await ask(server, "POST /access-token", bearer))[0] == 401


@on_virtual_time
async def test_dates_on_tokens_are_those_of_the_calendar() -> None:
    """On a virtual clock, too, a token shows when it ends, counted from the day the service
    started.
    """
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        started = time.time()
        await trio.sleep(3000)
        claims = decoded((await token(server, expires_in=900)).split(".")[1])
        assert claims["exp"] == pytest.approx(started + 3900, abs=10)


@on_virtual_time
async def test_dates_are_true_after_a_night_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the machine has slept, or its calendar was set, new tokens have the new date and old
    ones have expired.
    """
    async with open_server(port=None, voice="tones", api_keys=["sk_car_1"]) as server:
        old = await token(server, expires_in=3600)
        awake = time.time
        monkeypatch.setattr(time, "time", lambda: awake() + 8 * 3600)
        claims = decoded((await token(server)).split(".")[1])
        assert claims["iat"] == pytest.approx(time.time(), abs=10)
        assert (await make(server, None, f"Authorization: Bearer {old}"))[0] == 401
        monkeypatch.undo()
        assert (await make(server, None, f"Authorization: Bearer {old}"))[0] == 403


@on_virtual_time
async def test_an_open_socket_outlives_its_token() -> None:
    """A WebSocket whose token expires goes on speaking; a new one is refused."""
    async with (
        open_server(
            port=None, voice=TONES, api_keys=["sk_car_1"], behaviour=Behaviour(idle_seconds=900)
        ) as server,
        trio.open_nursery() as nursery,
    ):
        target = f"{WEBSOCKET}&access_token={await token(server, expires_in=60)}"
        client = await connect(server, nursery, target)
        await trio.sleep(600)
        assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")
        with pytest.raises(APIError) as caught:
            await connect(server, nursery, target)
        assert caught.value.status == 401
        nursery.cancel_scope.cancel()


@pytest.mark.slow
@given(st.data())
@on_virtual_time
async def test_a_token_that_was_touched_is_refused(data: st.DataObject) -> None:
    """A token with any byte changed, cut off or added, and one of another service, gets 401."""
    async with (
        open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server,
        open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as elsewhere,
    ):
        text = await token(server)
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start, len(text)))
        changed = text[:start] + data.draw(st.text("aZ0._-", max_size=3)) + text[end:]
        assume(changed != text)
        header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode()
        unsigned = f"{header}.{text.split('.')[1]}."
        for forged in (changed, unsigned, await token(elsewhere)):
            header = f"Authorization: Bearer {forged}"
            assert (await ask(server, "DELETE /tts/websocket", header))[0] == 401
        header = f"Authorization: Bearer {text}"
        assert (await ask(server, "DELETE /tts/websocket", header))[0] == 405


@on_virtual_time
async def test_without_keys_tokens_from_elsewhere_come_in() -> None:
    """A service without keys takes any credential, but judges the tokens that it signed itself."""
    async with (
        open_server(port=None, voice="tones") as server,
        open_server(port=None, voice="tones") as elsewhere,
    ):
        foreign = await token(elsewhere, grants={}, expires_in=1)
        line = "DELETE /tts/websocket"
        assert (await ask(server, line, f"Authorization: Bearer {foreign}"))[0] == 405
        own = await token(server, grants={})
        assert (await ask(server, line, f"Authorization: Bearer {own}"))[0] == 403
        await trio.sleep(61)
        assert (await ask(server, line, f"Authorization: Bearer {own}"))[0] == 401


@given(st.sets(st.sampled_from(GRANTS)), st.text(max_size=8), st.floats(0, 3))
@on_virtual_time
async def test_what_is_signed_is_read_again(grants: set[Grant], account: str, later: float) -> None:
    """A token says what it was made with, and whether its time is over."""
    tokens = Tokens()
    signed = tokens.sign(account=account, grants=grants, seconds=1)
    await trio.sleep(later)
    claims = tokens.read(signed.encode())
    assert claims == Claims(account=account, grants=frozenset(grants), is_expired=later >= 1)

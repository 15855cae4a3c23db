"""Which credential each endpoint accepts (docs/reference/access.md)."""

from __future__ import annotations

import pytest

from tests.server.http_client import NOW, Answer, HttpClient, an_error, over_http
from tests.server.rest.support import asked
from tests.server.support import Json, on_virtual_time
from trio_cartesia.server.routes import ROUTES, Route

KEY, ADMIN = "sk_car_1", "sk_car_admin_1"
OPEN_TO_ALL = {"", "/agents/templates", "/links/{id}"}
OF_ADMINS = ("/usage/", "/api-keys")
CREDENTIALS = ("none", "unknown", "key", "admin", "tts", "stt", "agent", "all grants")


def expected(route: Route, credential: str) -> int | None:
    """The status of the refusal, or None if the credential is enough."""
    if route.path in OPEN_TO_ALL:
        return None
    if credential in ("none", "unknown"):
        return 401
    if route.path.startswith(OF_ADMINS):
        allowed = {"admin"}
    elif route.path.startswith("/tts/"):
        allowed = {"key", "tts", "all grants"}
    elif route.path.startswith(("/stt", "/audio/")):
        allowed = {"key", "stt", "all grants"}
    else:
        allowed = {"key"}
    return None if credential in allowed else 403


async def secret_of(client: HttpClient, credential: str) -> str:
    known = {"none": "", "unknown": "sk_car_2", "key": KEY, "admin": ADMIN}
    if credential in known:
        return known[credential]
    names = ("tts", "stt", "agent") if credential == "all grants" else (credential,)
    body: Json = {"grants": dict.fromkeys(names, True), "expires_in": 60}
    headers = [*NOW, ("authorization", f"Bearer {KEY}")]
    return str((await asked(client, "POST /access-token", body, headers=headers))["token"])


@pytest.mark.parametrize("credential", CREDENTIALS)
@on_virtual_time
async def test_each_endpoint_has_its_credential(credential: str) -> None:
    """Every method of every path is refused to all credentials but those that may use it."""
    async with over_http(api_keys=[KEY, ADMIN]) as (client, _):
        secret = await secret_of(client, credential)
        headers = [*NOW, ("authorization", f"Bearer {secret}")] if secret else NOW
        for route in ROUTES:
            path = route.path.replace("{id}", "some-id") or "/"
            answer: Answer = await client.ask(route.method, path, b"", headers)
            refusal = expected(route, credential)
            if refusal is None:
                assert answer.status not in (401, 403), (route.method, path)
            else:
                assert an_error(answer, refusal), (route.method, path, answer.status)

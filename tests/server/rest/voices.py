from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from tests.server.test_routes import ask
from trio_cartesia.server import Server
from trio_cartesia.server.catalogue.voices import VOICES

KEY = "Authorization: Bearer sk_car_1"
IDS = [voice.id for voice in VOICES]


async def get(server: Server, path: str, *headers: str, **query: Any) -> tuple[int, Any]:
    """Status and body of the answer to a GET."""
    target = f"{path}?{urlencode(query, doseq=True)}"
    status, _, body = await ask(server, f"GET {target}", KEY, *headers)
    return status, json.loads(body)


async def page(server: Server, **query: Any) -> tuple[list[str], bool, str | None]:
    status, body = await get(server, "/voices", **query)
    assert (status, set(body)) == (200, {"data", "has_more", "next_page"})
    assert body["has_more"] == (body["next_page"] is not None)
    return [voice["id"] for voice in body["data"]], body["has_more"], body["next_page"]


CURRENT = {
    *("id", "name", "description", "tagline", "language", "locales", "accent", "gender"),
    *("country", "access", "visibility", "is_owner", "created_at"),
}
EARLIER = CURRENT - {"tagline", "accent", "access", "visibility"} | {"is_public"}

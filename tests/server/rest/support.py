"""Requests for REST endpoints, and forms as clients build them."""

from __future__ import annotations

from typing import Any

from tests.server import http_client
from tests.server.http_client import Answer, HttpClient
from tests.server.support import Json

FORM = list(http_client.form_headers().items())
ZERO = "00000000-0000-0000-0000-000000000000"


def form(file: tuple[str, str, bytes] | None = None, /, **fields: str) -> bytes:
    """A form of text fields, and perhaps a file: its field, its name and its contents."""
    files = {} if file is None else {file[0]: (*file[1:], "application/octet-stream")}
    return http_client.form(fields.items(), files)


async def asked(client: HttpClient, line: str, content: Json | bytes = b"", **others: Any) -> Any:
    """The JSON of a response with status 200, or None for 204."""
    answer: Answer = await client.ask(*line.split(), content, **others)
    assert answer.status in (200, 204), answer
    return answer.json if answer.status == 200 else None


async def listed(client: HttpClient, path: str, limit: int = 100, **others: Any) -> list[Json]:
    """All of a list, page by page, forwards."""
    found: list[Json] = []
    cursor = ""
    while True:
        sign = "&" if "?" in path else "?"
        page = await asked(client, f"GET {path}{sign}limit={limit}{cursor}", **others)
        assert set(page) == {"data", "has_more", "next_page"}
        assert len(page["data"]) == limit or not page["has_more"]
        found += page["data"]
        if not page["has_more"]:
            assert page["next_page"] is None
            return found
        cursor = f"&starting_after={page['next_page']}"

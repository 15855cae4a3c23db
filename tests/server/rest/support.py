"""Requests for REST endpoints, and forms as clients build them."""

from __future__ import annotations

from typing import Any

from tests.server.http_client import NOW, Answer, HttpClient
from tests.server.support import Json

BOUNDARY = "a-boundary-of-clients"
FORM = [*NOW, ("content-type", f"multipart/form-data; boundary={BOUNDARY}")]
ZERO = "00000000-0000-0000-0000-000000000000"


def form(file: tuple[str, str, bytes] | None = None, **fields: str) -> bytes:
    """A form of text fields, and perhaps a file: its field, its name and its contents."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    if file is not None:
        field, name, content = file
        head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content)
    body = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts)
    return body + f"--{BOUNDARY}--\r\n".encode()


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

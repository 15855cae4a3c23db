from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote_plus

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.server.support import TONES, Json, catch_logs, on_virtual_time
from tests.server.test_routes import exchange
from trio_cartesia.server import open_server
from trio_cartesia.server.catalogue.models import STRUCTURED_VERSIONS
from trio_cartesia.server.catalogue.voices import VOICES

STRUCTURED = {"error_code", "title", "message", "request_id"}
fuzzed = settings(max_examples=8 * settings.default.max_examples)

versions = st.sampled_from(
    [*STRUCTURED_VERSIONS, "2025-11-04", "2024-06-10", "2030-01-01", "x", "2026-08-14 ", "é"]
)
ids = st.sampled_from([VOICES[0].id, VOICES[-1].id, "0" * 8, "clone", "a%2fb", "%00", "%ff"])
paths = st.one_of(
    st.sampled_from(
        [
            *("/", "/voices", "/voices/", "/access-token", "/access-token/", "/tts/websocket"),
            *("/tts/bytes", "/tts/sse", "/datasets/", "/usage", "/_local/none", "*", "//", "/%"),
        ]
    ),
    ids.map("/voices/{}".format),
    ids.map("/voices/{}/accents".format),
    ids.map("/voices/{}/preview".format),
    st.text("ab/%.~_-1", max_size=12).map("/{}".format),
)
names = st.sampled_from(
    [
        *("limit", "starting_after", "ending_before", "q", "gender", "language", "is_owner"),
        *("expand[]", "cartesia_version", "api_key", "access_token", "behaviour", "a"),
    ]
)
values = st.one_of(
    st.text(max_size=8),
    st.integers(-9, 999).map(str),
    st.sampled_from(["true", "masculine", "en", "preview_file_url", VOICES[4].id, "sk_car_1"]),
    versions,
)
header_values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_categories=["Cc"]), max_size=20
).map(str.strip)
headers = st.dictionaries(
    st.sampled_from(
        [
            *("Authorization", "X-API-Key", "X-Behaviour", "Content-Type", "Accept", "Origin"),
            *("Access-Control-Request-Headers", "Upgrade", "Cookie", "Expect", "Sec-Fetch-Site"),
        ]
    ),
    header_values | st.sampled_from(["Bearer sk_car_1", "Bearer sk_car_1", "websocket"]),
    max_size=4,
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
grown = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
bodies = st.one_of(
    st.binary(max_size=30),
    st.fixed_dictionaries({}, optional={"grants": grown, "expires_in": grown}).map(
        lambda value: json.dumps(value).encode()
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "grants": st.dictionaries(st.sampled_from(["tts", "stt", "x"]), st.booleans()),
            "expires_in": st.integers(-1, 4000),
        },
    ).map(lambda value: json.dumps(value).encode()),
)


@attrs.frozen(kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    version: str | None
    body: bytes

    def raw(self) -> bytes:
        pairs = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in self.query)
        found = {"Host": "me", **self.headers, "Connection": "close"}
        if self.version is not None:
            found["Cartesia-Version"] = self.version
        if self.body:
            found["Content-Length"] = str(len(self.body))
        lines = [f"{name}: {value}" for name, value in found.items()]
        head = "\r\n".join([f"{self.method} {self.path}?{pairs} HTTP/1.1", *lines, "", ""])
        return head.encode("latin-1") + self.body

    @property
    def is_structured(self) -> bool:
        given = [value for name, value in self.query if name == "cartesia_version"]
        first = next(filter(None, given), "")  # empty means unset
        version = first or (self.version or "").strip()
        return not version or version in STRUCTURED_VERSIONS


requests = st.builds(
    Asked,
    method=st.sampled_from(
        ["GET", "GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "A"]
    ),
    path=paths,
    query=st.lists(st.tuples(names, values), max_size=5),
    headers=headers,
    version=st.none() | versions,
    body=bodies,
)


def check(asked: Asked, answer: bytes) -> None:
    """Assert that *answer* is one, and if it is a refusal, one of the right generation."""
    if answer.startswith(b"HTTP/1.1 100 "):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    status = int(line.split()[1])
    found = dict(header.lower().split(": ", 1) for header in lines)
    assert status < 500 or status == 501
    assert found["x-request-id"]
    is_private = asked.path.startswith("/_local")
    assert ("access-control-allow-origin" in found) is not is_private
    if status == 204 or asked.method == "HEAD":
        assert not body
    elif found["content-type"] == "audio/wav":
        assert (status, body[:4]) == (200, b"RIFF")
    elif status < 400:
        json.loads(body)
    elif asked.is_structured:
        error: dict[str, Any] = json.loads(body)
        assert set(error) == STRUCTURED
        assert error["request_id"] == found["x-request-id"]
    else:
        assert found["content-type"] == "text/plain; charset=utf-8"
        assert b": " in body


@pytest.mark.slow
@fuzzed
@given(requests, st.sampled_from([None, ["sk_car_1"]]))
@example(
    Asked(
        method="GET",
        path="/",
        query=[("cartesia_version", ""), ("cartesia_version", "0"), ("behaviour", "0")],
        headers={},
        version=None,
        body=b"",
    ),
    None,
)
@on_virtual_time
async def test_whatever_is_asked_is_answered(asked: Asked, api_keys: list[str] | None) -> None:
    """Any path, query, headers and body get an answer, refusals a body of the right generation, and
    nothing crashes.
    """
    async with open_server(port=None, voice=TONES, api_keys=api_keys) as server:
        with catch_logs(logging.WARNING) as lines:
            answer = await exchange(server, asked.raw())
        assert not lines
        check(asked, answer)


async def outcome(asked: Asked) -> tuple[int, Json]:
    """The status and the JSON of the response to a request with a key, which is 200 or 400."""
    async with open_server(port=None, voice=TONES, api_keys=["sk_car_1"]) as server:
        answer = await exchange(server, asked.raw())
    check(asked, answer)
    status = int(answer.split()[1])
    assert status in (200, 400)
    return status, json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.slow
@fuzzed
@given(bodies)
@on_virtual_time
async def test_any_body_makes_a_token_or_is_refused(body: bytes) -> None:
    """A request for a token gets one, or a 400 that says why not."""
    key = {"Authorization": "Bearer sk_car_1"}
    asked = Asked(
        method="POST", path="/access-token", query=[], headers=key, version=None, body=body
    )
    status, content = await outcome(asked)
    assert set(content) == ({"token"} if status == 200 else STRUCTURED)


@pytest.mark.slow
@fuzzed
@given(st.lists(st.tuples(names, values), max_size=5))
@on_virtual_time
async def test_any_query_lists_voices_or_is_refused(query: list[tuple[str, str]]) -> None:
    """A list has voices, or a 400 says which parameter is wrong."""
    query = [pair for pair in query if pair[0] not in ("cartesia_version", "behaviour")]
    key = {"Authorization": "Bearer sk_car_1"}
    asked = Asked(method="GET", path="/voices", query=query, headers=key, version=None, body=b"")
    status, content = await outcome(asked)
    if status == 400:
        assert any(content["message"].startswith(f"{name} must be") for name, _ in query)
    else:
        assert set(content) == {"data", "has_more", "next_page"}

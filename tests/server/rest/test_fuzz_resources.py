"""Arbitrary requests for every REST endpoint."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import NOW, HttpClient, over_http
from tests.server.rest.support import FORM, asked, form
from tests.server.support import catch_logs, on_virtual_time
from trio_cartesia.server.rest.table import REST

CLARA = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
NAMES = [
    *("name", "description", "items", "text", "alias", "case_sensitive", "gender", "accent"),
    *("accents", "voice_id", "language", "dialect", "tagline", "dataset", "model_id", "prompt"),
    *("tts_voice", "tts_language", "file_id", "lifetime", "grants", "expires_in", "agent_id"),
    *("limit", "starting_after", "ending_before", "expand[]", "q", "is_owner", "start_date"),
    *("base_voice_id", "clip", "file", "original_speaker_gender", "format", "expand"),
]
WORDS = [
    *(
        "agent_local",
        "metric_local",
        "deployment_1",
        "call_1",
        CLARA,
        "british",
        "en",
        "de",
        "male",
    ),
    *("sonic-3-2026-01-12", "transcript", "preview_file_url", "24h", "2026-01-07", "100", "\ud800"),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
TEXTS = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(WORDS[:-1]) | st.text("ab&=", max_size=3), max_size=3
)
REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(REST), st.sampled_from([*WORDS[:-1], "none", "%", ".."]), BODIES, TEXTS
    ),
    min_size=1,
    max_size=8,
)


async def existing(client: HttpClient) -> dict[str, str]:
    """Create resources, and return an id by the first segment of its path."""
    dataset = {"name": "a", "description": ""}
    voice = {"voice_id": CLARA, "name": "a", "accent": "british"}
    return {
        "datasets": (await asked(client, "POST /datasets", dataset))["id"],
        "voices": (await asked(client, "POST /voices/localize", voice))["id"],
        "pronunciation-dicts": (await asked(client, "POST /pronunciation-dicts", dataset))["id"],
        "agents": "agent_local",
    }


@pytest.mark.slow
@settings(max_examples=400)
@given(REQUESTS)
@on_virtual_time
async def test_no_request_breaks_the_service(requests: list[Any]) -> None:
    """Whatever is asked for, the answer is no failure of the service, and the next one is given on
    the same connection.
    """
    with catch_logs(logging.ERROR) as lines:
        async with over_http() as (client, _):
            ids = await existing(client)
            for (method, path, _handler), place, body, query in requests:
                known = ids.get(path.split("/")[1], place)
                target = path.replace("{id}", known, 1).replace("{id}", quote(place, safe=""))
                content, headers = json.dumps(body), NOW
                if "clone" in path or path.endswith("/files"):
                    content = form(("clip", "a", b"RIFF"), **query).decode()
                    headers = FORM
                target = f"{target}?{urlencode(query)}"
                answer = await client.ask(method, target, content, headers)
                assert answer.status < 500
                assert answer.status != 200 or answer.body
    assert lines == []

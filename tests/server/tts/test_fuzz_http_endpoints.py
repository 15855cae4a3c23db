from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import (
    BYTES,
    SSE,
    Answer,
    an_error,
    over_http,
    speech,
)
from tests.server.support import (
    Json,
    catch_logs,
    on_virtual_time,
    tones,
)

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = (
    *("model_id", "voice", "transcript", "output_format", "language", "locale", "normalization"),
    *("generation_config", "pronunciation_dict_id", "save", "speed", "duration", "context_id"),
    *("add_timestamps", "add_phoneme_timestamps", "use_normalized_timestamps", "continue"),
)
INNER = ("container", "encoding", "sample_rate", "bit_rate", "id", "mode", "speed", "emotion")
ODD = st.dictionaries(st.sampled_from(INNER), JSON | st.sampled_from(["raw", "wav", "mp3", 8000]))


@pytest.mark.slow
@given(
    path=st.sampled_from([BYTES, SSE]),
    changes=st.dictionaries(st.sampled_from(NAMES), JSON | ODD, min_size=1, max_size=3),
)
@settings(max_examples=8 * settings.default.max_examples)
@on_virtual_time
async def test_no_shape_of_json_does_harm(path: str, changes: Json) -> None:
    """Whatever JSON is asked, the answer is speech or a proper refusal, nothing crashes, and the
    same connection serves the next request.
    """
    await survives(path, json.dumps({**speech("Hi."), **changes}).encode())


@given(path=st.sampled_from([BYTES, SSE]), body=st.binary(max_size=40) | JSON.map(json.dumps))
@on_virtual_time
async def test_no_body_does_harm(path: str, body: bytes | str) -> None:
    """Whatever the body is, JSON or not, a proper refusal answers it."""
    answer = await survives(path, body if isinstance(body, bytes) else body.encode())
    assert answer.status == 400


async def survives(path: str, body: bytes) -> Answer:
    async with over_http() as (client, _):
        with catch_logs(logging.ERROR) as lines:
            answer = await client.ask("POST", path, body)
            if answer.status != 200:
                assert answer.status in (400, 404)
                assert an_error(answer, answer.status)
            elif path == SSE:
                assert answer.events[-1]["type"] == "done"
            assert (await client.bytes("Hi.")).body == await tones("Hi.")
        assert lines == []
    return answer

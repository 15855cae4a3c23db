from __future__ import annotations

import logging
from collections.abc import Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import over_http, speech
from tests.server.journal.test_journal import settings_of
from tests.server.support import (
    TWO_SENTENCES,
    cancel,
    catch_logs,
    connected,
    generation,
    on_virtual_time,
)
from trio_cartesia.server import Journal
from trio_cartesia.server.journal.access_log import log_context, log_error, log_request

COLUMNS = 80 - len("00:00:00 ")
anything = st.text(max_size=60)
ids = st.uuids().map(str)
sizes = st.integers(0, 10**13)
durations = st.floats(0, 9999)


@pytest.fixture(autouse=True)
def log_of_all_requests() -> Iterator[None]:
    logger = logging.getLogger("trio_cartesia.server")
    level = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(level)


@on_virtual_time
async def test_a_context_is_one_line() -> None:
    """Its line has the handshake's id, its own, how long it speaks, how soon, and how it ended."""
    async with connected() as (client, _):
        with catch_logs(logging.INFO) as lines:
            await client.speak(generation("happy-monkeys-fly", TWO_SENTENCES))
            await client.close()
    (line,) = lines
    request_id = client.headers["x-request-id"][:8]
    assert line.split() == [*(request_id, "happy-monkeys-fly"), *line.split()[2:]]
    assert "s       first 0 ms  done" in line


@on_virtual_time
async def test_a_cancelled_context_tells_how_far_it_came() -> None:
    """The line of a context that was cancelled has the part of its text that had been generated."""
    async with connected() as (client, server):
        with catch_logs(logging.INFO) as lines:
            await client.send(generation("a", TWO_SENTENCES * 50))
            await client.receive()
            await client.send(cancel("a"))
            await client.receive_until_over("a")
            await client.close()
        record = server.journal.context("a")
        assert 0 < record.generated_characters < record.characters
        percent = 100 * record.generated_characters / record.characters
    assert lines[-1].endswith(f"cancelled {percent:.0f}%")


@on_virtual_time
async def test_a_request_is_one_line() -> None:
    """Its line has its id, method, path, size, duration and status; never a query."""
    async with over_http() as (client, _):
        with catch_logs(logging.INFO) as lines:
            answer = await client.ask("GET", "/nowhere?api_key=sk_secret")
    (line,) = lines
    assert line.split()[:3] == [answer.headers["x-request-id"][:8], "GET", "/nowhere"]
    assert line.endswith(" 404")
    assert f"{len(answer.body)} B" in line


@on_virtual_time
async def test_a_refused_message_is_one_line() -> None:
    """What was refused on a socket is in the log with its status and title, and without its
    text.
    """
    async with connected() as (client, _):
        with catch_logs(logging.INFO) as lines:
            error = await client.ask(
                generation("a", "secret", output_format={"container": "secret"})
            )
            assert error["type"] == "error"
            await client.ask("secret, and no JSON")
    assert [line.split()[1:3] for line in lines] == [["a", "400"], ["-", "400"]]
    assert "secret" not in "".join(lines)


@on_virtual_time
async def test_speech_over_http_is_two_lines() -> None:
    """The request and the context that it makes have the same id in front."""
    async with over_http() as (client, _):
        with catch_logs(logging.INFO) as lines:
            answer = await client.ask("POST", "/tts/bytes", speech("secret."))
    request, context = sorted(lines, key=lambda line: "POST" not in line)  # either may end first
    for line in (request, context):
        assert line.startswith(answer.headers["x-request-id"][:8])
    assert "POST /tts/bytes" in request
    assert context.endswith("done")


@given(
    request_id=ids,
    method=anything,
    path=anything,
    status=st.integers(100, 599),
    size=sizes,
    seconds=durations,
    ended=st.sampled_from(["done", "cancelled", "expired", "error", "lost"]),
    generated=st.integers(0, 1000),
)
def test_lines_are_of_one_width(
    request_id: str,
    method: str,
    path: str,
    status: int,
    size: int,
    seconds: float,
    ended: str,
    generated: int,
) -> None:
    """Whatever clients call things, a line is printable ASCII and fits 80 columns with the time."""
    journal = Journal(clock=lambda: seconds)
    record = journal.add_context(
        1, attrs.evolve(settings_of("a"), context_id=path), request_id=request_id
    )
    record.opened_at = 0.0
    record.characters, record.generated_characters = 1000, generated
    record.audio_bytes, record.ended = size % 10**9, ended
    journal.add_chunk(record, b"")
    with catch_logs(logging.INFO) as lines:
        log_request(request_id, method, path, status=status, size_bytes=size, seconds=seconds)
        log_context(record)
        log_error("12345678-9", path, status, "Context has closed")
    for line in lines:
        assert len(line) <= COLUMNS
        assert line.isascii()
        assert line.isprintable()
    assert [line[55:57] for line in lines[:2]] == ["  ", "  "]

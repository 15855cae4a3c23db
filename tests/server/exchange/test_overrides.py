"""What one request asks to be different."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.server.support import (
    APIError,
    connect,
    connected,
    generation,
    kinds,
    on_virtual_time,
)
from trio_cartesia.server import Behaviour

NOW = "/tts/websocket?cartesia_version=2026-08-14"


def asking(*texts: str) -> str:
    return NOW + "".join(f"&behaviour={quote(text)}" for text in texts)


def saying(text: str) -> list[tuple[str, str]]:
    return [("X-Behaviour", text)]


@on_virtual_time
async def test_a_connection_has_ways_of_its_own() -> None:
    """A header changes the readings of one connection, and of no other."""
    async with connected(headers=saying("flush_id_base=0, done_status=200")) as (client, server):
        async with trio.open_nursery() as nursery:
            other = await connect(server, nursery)
            chunk, done = await client.speak(generation("a", "Hello."))
            assert (chunk["flush_id"], done["status_code"]) == (0, 200)
            chunk, done = await other.speak(generation("a", "Hello."))
            assert (chunk["flush_id"], done["status_code"]) == (1, 206)
            nursery.cancel_scope.cancel()


@pytest.mark.slow
@given(
    header=st.integers(0, 9) | st.none(),
    query=st.lists(st.integers(0, 9), max_size=3),
    service=st.integers(0, 9),
)
@on_virtual_time
async def test_the_query_wins(header: int | None, query: list[int], service: int) -> None:
    """The query goes over the header and the header over the service, and the last of each
    counts.
    """
    headers = [] if header is None else saying(f"flush_id_base={header}, flush_id_base={header}")
    target = asking(*(f"flush_id_base={base}" for base in query))
    behaviour = Behaviour(flush_id_base=service, done_status=200)
    async with connected(target, headers=headers, behaviour=behaviour) as (client, _):
        chunk, done = await client.speak(generation("a", "Hello."))
    wanted = [service, *([] if header is None else [header]), *query][-1]
    assert (chunk["flush_id"], done["status_code"]) == (wanted, 200)


@on_virtual_time
async def test_repeated_headers_are_all_heard() -> None:
    """Two headers are as good as one with a comma."""
    headers = [*saying("flush_id_base=7"), *saying("timestamps_first=true")]
    async with connected(headers=headers) as (client, _):
        events = await client.speak(generation("a", "Hello.", add_timestamps=True))
        assert kinds(events) == ["timestamps", "chunk", "done"]
        assert events[0]["flush_id"] == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("late_input=never", "Behaviour: late_input must be error, new_context or ignore."),
        ("nonsense", "Behaviour: it is written as in 'flush_id_base=0, late_input=ignore'."),
        ("nobody=1", "Behaviour: there is no such field; there are flush_id_base, "),
        (
            "max_message_bytes=2000000",
            "Behaviour: max_message_bytes is a limit of this service: 1048576 at the most.",
        ),
    ],
)
@pytest.mark.parametrize("in_query", [True, False])
@on_virtual_time
async def test_what_cannot_be_had_is_refused_before_anything_happens(
    text: str, message: str, in_query: bool
) -> None:
    """A handshake with a wish that makes no sense is a 400 that says what is wrong with it."""
    async with connected() as (_, server), trio.open_nursery() as nursery:
        target, headers = (asking(text), []) if in_query else (NOW, saying(text))
        with pytest.raises(APIError) as caught:
            await connect(server, nursery, target, headers=headers)
        assert caught.value.status == 400
        body = json.loads(caught.value.body)
        assert body["message"].startswith(message)
        assert body["request_id"] == caught.value.headers["x-request-id"]
        assert server.journal.connections[-1].status == 400
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_a_limit_may_be_lowered() -> None:
    """A connection may ask to be idle for less time than others."""
    async with connected(asking("idle_seconds=2")) as (client, _):
        with trio.fail_after(2.1), pytest.raises(Exception, match="connection idle timeout"):
            await client.receive()


@pytest.mark.parametrize("target", ["/tts/websocket", "/tts/websocket?cartesia_version="])
@on_virtual_time
async def test_a_version_may_be_required(target: str) -> None:
    """Without a version a request is refused under `missing_version=error`, and current
    otherwise.
    """
    async with connected(target) as (client, _):
        assert (await client.ask(""))["title"] == "Invalid request"
    behaviour = Behaviour(missing_version="error")
    async with connected(behaviour=behaviour) as (_, server), trio.open_nursery() as nursery:
        with pytest.raises(APIError) as caught:
            await connect(server, nursery, target)
        assert caught.value.status == 400
        assert "Cartesia-Version is missing" in json.loads(caught.value.body)["message"]
        headers = [("Cartesia-Version", "2026-03-01")]
        client = await connect(server, nursery, target, headers=headers)
        assert kinds(await client.speak(generation("a", "Hello."))) == ["chunk", "done"]
        nursery.cancel_scope.cancel()

"""What the fuzz tests of WebSockets share: others who must notice nothing, and what every event
is.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio.testing import memory_stream_pair

from tests.server.support import TONES, Json, audio, catch_logs, connect, generation, kinds, tones
from trio_cartesia.server import Server, open_server

TEXT = "Good morning to you. Not a word is lost."
TERMINAL = ("done", "error")
KINDS = (*TERMINAL, "chunk", "timestamps", "phoneme_timestamps", "flush_done")
STRUCTURED = {"error_code", "title", "message", "request_id"}


@asynccontextmanager
async def besieged() -> AsyncIterator[tuple[Server, trio.Nursery]]:
    """A service that one client attacks while others are served: they notice nothing, nothing is
    logged that is worse than a note, and nothing is left of the attack.
    """
    expected = await tones(TEXT)
    with catch_logs(logging.WARNING) as lines:
        async with open_server(port=None, voice=TONES) as server:
            async with trio.open_nursery() as nursery:
                await _speak(server, expected)
                nursery.start_soon(_speak, server, expected)
                yield server, nursery
                await _speak(server, expected)
            await trio.sleep(400)  # whatever was stuck has been idle for too long
            assert not server.journal.open_connections
            assert not server._scopes
            accounts = server._state.credentials.accounts
            assert (accounts.of("").contexts, accounts.of("").sockets) == (0, 0)
            assert all(context.ended for context in server.journal.contexts)
    assert not lines


async def _speak(server: Server, expected: bytes) -> None:
    """Speak two contexts at once, and get what they are, byte for byte."""
    async with trio.open_nursery() as nursery:
        client = await connect(server, nursery)
        for name in ("one", "two"):
            await client.send(generation(name, TEXT))
        events = await client.receive_until_over("one", "two")
        assert [audio(events, "one"), audio(events, "two")] == [expected, expected]
        assert kinds(events).count("done") == 2
        assert "error" not in kinds(events)
        await client.close()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def attacker(server: Server) -> AsyncIterator[trio.abc.Stream]:
    """A stream to the service, which is closed at the end, whatever has been sent."""
    async with trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()
        nursery.start_soon(server.serve_stream, theirs)
        yield ours
        await trio.aclose_forcefully(ours)


def check_event(event: Json, *, is_structured: bool = True, is_aligned: bool = True) -> None:
    """Assert that *event* is one, and if it is a refusal, one of the right generation."""
    kind: Any = event["type"]
    assert kind in KINDS
    assert event["done"] is (kind in TERMINAL)
    assert "context_id" in event or kind == "error"
    if kind == "chunk":
        data = base64.b64decode(event["data"], validate=True)
        assert len(data) % 2 == 0 or not is_aligned
    if kind != "error":
        assert event["status_code"] in (200, 206)
        return
    assert 400 <= event["status_code"] < 500
    if is_structured:
        assert set(event) - {"context_id"} == {"type", "done", "status_code", *STRUCTURED}
        assert event["title"]
        assert event["message"]
    else:
        assert set(event) - {"context_id"} == {"type", "done", "status_code", "error"}
        assert ": " in event["error"]

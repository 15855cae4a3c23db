from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair

from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    closed,
    connected,
    generation,
    kinds,
    on_virtual_time,
)
from trio_cartesia.server import Behaviour, Tones, Utterance


@on_virtual_time
async def test_done_may_follow_an_error() -> None:
    """With `done_after_error`, the error that ends a context is followed by `done` (T18)."""
    async with connected(behaviour=Behaviour(done_after_error=True)) as (client, _):
        await client.send(generation("a", "Good") | MORE)
        await client.send(generation("a", " day.", model_id="sonic-2"))
        error, done = await client.receive(), await client.receive()
        assert closed(error, "a")
        assert done == {"type": "done", "context_id": "a", "status_code": 206, "done": True}
        await client.send("nonsense")
        assert kinds([await client.receive()]) == ["error"]  # of no context
        assert kinds(await client.speak(generation("b", "Hello."))) == ["chunk", "done"]


class Broken(Tones):
    async def speak(self, _: Utterance) -> Any:
        raise OSError


@pytest.mark.parametrize(
    ("message", "code"),
    [("nonsense", 1008), (generation("a"), 1008), (generation("a", "Hello."), 1011)],
)
@on_virtual_time
async def test_an_error_may_end_the_connection(message: Any, code: int) -> None:
    """With `close_on_error`, any error is the last event, and the close code says whose fault
    (T19).
    """
    behaviour = Behaviour(close_on_error=True)
    async with connected(behaviour=behaviour, voice=Broken()) as (client, server):
        await client.send(generation("other", "Good", max_buffer_delay_ms=5000) | MORE)
        assert (await client.ask(message))["type"] == "error"
        assert (await client.wait_closed()).code == code
        assert server.journal.context("other").ended == "lost"


@on_virtual_time
async def test_events_that_are_on_their_way_are_whole() -> None:
    """Where an error ends the connection, what was on its way comes first, and
    nothing else begins.
    """
    behaviour = Behaviour(close_on_error=True, chunk_bytes=1024)
    async with connected(behaviour=behaviour, pair=lockstep_stream_pair) as (client, _):
        for name in "abc":
            await client.send(generation(name, TWO_SENTENCES * 5))
        await trio.sleep(1)
        await client.send("nonsense")
        while (await client.receive())["type"] != "error":
            pass
        for _ in range(3):
            assert kinds([await client.receive()]) == ["chunk"]
        assert (await client.wait_closed()).code == 1008


@on_virtual_time
async def test_errors_may_leave_out_their_context() -> None:
    """With `error_without_context`, no error tells which context it ended (T20)."""
    async with connected(behaviour=Behaviour(error_without_context=True)) as (client, server):
        await client.send(generation("a", "Good") | MORE)
        for message in (generation("a", " day.", model_id="sonic-2"), generation("b")):
            error = await client.ask(message)
            assert (error["type"], error["status_code"]) == ("error", 400)
            assert "context_id" not in error
        assert server.journal.context("a").ended == "error"


@on_virtual_time
async def test_a_limit_may_be_told_without_the_context() -> None:
    """Without `limit_error_has_context`, 429 names no context, and other errors do (T21)."""
    behaviour = Behaviour(limit_error_has_context=False)
    async with connected(behaviour=behaviour, plan="free") as (client, _):
        for name in "ab":
            await client.send(generation(name, "Good", max_buffer_delay_ms=5000) | MORE)
        error = await client.ask(generation("c", "Hello."))
        assert (error["status_code"], error["error_code"]) == (429, "concurrency_limited")
        assert "context_id" not in error
        assert (await client.ask(generation("c", "Hello.", speed="x")))["context_id"] == "c"


@pytest.mark.slow
@given(code=st.integers(3000, 4999) | st.sampled_from([1000, 1001, 1008, 1013]))
@on_virtual_time
async def test_the_idle_close_has_the_code_that_is_asked_for(code: int) -> None:
    """An idle connection is closed with `idle_close` and the same words (T23)."""
    async with connected(behaviour=Behaviour(idle_close=code, idle_seconds=3)) as (client, _):
        end = await client.wait_closed()
        assert (end.code, end.reason) == (code, "connection idle timeout")
        assert trio.current_time() == pytest.approx(3)


@pytest.mark.parametrize("resets", [True, False])
@on_virtual_time
async def test_pings_may_be_traffic(resets: bool) -> None:
    """With `ping_resets_idle`, whoever pings is never idle; by default pings count for nothing
    (T22).
    """
    behaviour = Behaviour(ping_resets_idle=resets, idle_seconds=3)
    async with connected(behaviour=behaviour) as (client, _):
        for _ in range(2):
            await trio.sleep(2)
            if not resets and trio.current_time() > 3:
                break
            await client.ping()
        assert (await client.wait_closed()).reason == "connection idle timeout"
        assert trio.current_time() == pytest.approx(7 if resets else 4, abs=0.1)

"""A peer that takes nothing more, while what it says still comes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from tests.support import SETTINGS
from trio_cartesia import Connection, ConnectionLost
from trio_cartesia._runtime.session import LAST_WORDS_SECONDS
from trio_cartesia.testing import MemoryStream, Peer, connected_pair


def deafener(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> Callable[[], None]:
    """Makes every further write of the client fail; the peer's own go on."""

    async def refuse(self: MemoryStream, data: bytes) -> None:
        if self is peer.stream:
            await send_all(self, data)
        else:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

    send_all = MemoryStream.send_all
    return lambda: monkeypatch.setattr(MemoryStream, "send_all", refuse)


async def test_a_write_failure_raises_in_pushes_first_and_in_loops_later(
    autojump_clock, monkeypatch
):
    """Every waiting and later push raises at once. Receive loops get the events that still arrive
    for a bounded time, then they raise. All raise the same loss, with their own context id.
    """
    told: dict[str, float] = {}
    heard: list[bytes] = []

    async def push(connection: Connection, name: str) -> None:
        async with connection.context(**SETTINGS, context_id=name) as context:
            with pytest.raises(ConnectionLost, match="while a message was sent") as caught:
                await context.push("Hello. " * 3000)
            assert caught.value.context_id == name
            told[name] = trio.current_time()
            with pytest.raises(ConnectionLost) as caught:
                await context.push("More.")
            assert caught.value.context_id == name

    async def hear(connection: Connection) -> None:
        async with connection.context(**SETTINGS, context_id="ear") as context:
            await context.push("Hello.")
            with pytest.raises(ConnectionLost) as caught:
                async for event in context.receive():
                    heard.append(event.audio)  # noqa: PERF401  # what came before an error is kept
            assert caught.value.context_id == "ear"
            assert caught.value.message == "the connection has ended"
            told["ear"] = trio.current_time()

    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:
        deafen = deafener(monkeypatch, peer)
        nursery.start_soon(hear, connection)
        await trio.sleep(1)
        deafen()
        for name in "abc":
            nursery.start_soon(push, connection, name)
        await trio.sleep(LAST_WORDS_SECONDS - 0.5)
        assert told == {"a": 1, "b": 1, "c": 1}
        assert not connection.statistics().is_lost
        await peer.chunk("ear", b"12")
        await trio.sleep(0.6)
        assert connection.statistics().is_lost
    assert heard == [b"12"]
    assert told["ear"] == 1 + LAST_WORDS_SECONDS


async def test_closing_a_connection_whose_writes_fail_is_bounded(autojump_clock, monkeypatch):
    """Leaving a connection whose peer does not read takes no longer than the bound for closing."""
    async with connected_pair() as (connection, peer):
        deafen = deafener(monkeypatch, peer)
        async with connection.context(**SETTINGS) as context:
            deafen()
            with pytest.raises(ConnectionLost):
                await context.push("Hello.")
        began = trio.current_time()
    assert trio.current_time() - began <= LAST_WORDS_SECONDS

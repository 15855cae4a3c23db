"""Pings after silence, and when a connection without an answer is given up."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import WebSocketConnection

from tests.support import SETTINGS, received_audio
from trio_cartesia import ConnectionLost
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.keepalive import KEEPALIVE_SECONDS, PONG_SECONDS
from trio_cartesia._runtime.open_session import open_session
from trio_cartesia.testing import Link, connected_pair


def noted_pings(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of pings, from either end."""
    times: list[float] = []
    ping = WebSocketConnection.ping

    async def note(self: WebSocketConnection, payload: bytes | None = None) -> None:
        times.append(trio.current_time())
        await ping(self, payload)

    monkeypatch.setattr(WebSocketConnection, "ping", note)
    return times


async def test_a_silent_peer_that_answers_pings_is_kept(autojump_clock, monkeypatch):
    """A peer that only answers pings gets a ping after each period of silence, and is never
    lost.
    """
    times = noted_pings(monkeypatch)
    async with connected_pair() as (connection, _):
        await trio.sleep(10 * KEEPALIVE_SECONDS + 1)
        assert times == [KEEPALIVE_SECONDS * (number + 1) for number in range(10)]
        assert not connection.statistics().is_lost


async def test_a_peer_that_sends_is_not_pinged(autojump_clock, monkeypatch):
    """While messages arrive in time there is no ping; then there is one, a fixed time after the
    last message.
    """
    times = noted_pings(monkeypatch)
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            for _ in range(20):
                await trio.sleep(15)
                await peer.chunk("a", b"12")
            assert times == []
            await trio.sleep(KEEPALIVE_SECONDS + 1)
            assert times == [20 * 15 + KEEPALIVE_SECONDS]


@pytest.mark.parametrize("spoke_at", [0, 5, 19, 30])
async def test_no_sign_of_life_ends_the_connection_after_so_long(autojump_clock, spoke_at):
    """A peer that is gone is given up when its silence and its time for an answer are over, and the
    loop that waits hears it at that moment.
    """
    lost_at = []
    async with connected_pair() as (connection, peer), trio.open_nursery() as nursery:

        async def wait() -> None:
            async with connection.context(**SETTINGS, context_id="a") as context:
                await context.push("Hello.")
                try:
                    await context.collect()
                except ConnectionLost as lost:
                    assert "no answer to a ping" in str(lost)
                    lost_at.append(trio.current_time())

        nursery.start_soon(wait)
        await trio.sleep(spoke_at)
        if spoke_at:
            await peer.chunk("a", b"12")
        await trio.testing.wait_all_tasks_blocked()
        peer.stream.stall()
    assert lost_at == [spoke_at + KEEPALIVE_SECONDS + PONG_SECONDS]


async def test_a_pong_behind_unreceived_events_is_waited_for(autojump_clock):
    """With overflow="block", a consumer that is slow while a ping is under way loses nothing."""
    async with connected_pair(link=Link(latency_seconds=1)) as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
        ) as context:
            await context.push("Hello.")
            began = trio.current_time()
            await trio.sleep_until(began + KEEPALIVE_SECONDS - 0.5)
            await peer.chunk("a", bytes(1500))  # comes while the ping is under way
            await trio.sleep(30 * KEEPALIVE_SECONDS)
            assert not connection.statistics().is_lost
            await peer.done("a")
            assert await received_audio(context) == [bytes(1500)]


@pytest.mark.parametrize(("stuck_at", "expected"), [(0, 20), (15, 40), (21, 60)])
async def test_a_write_that_is_stuck_is_found_out_though_reading_is_stalled(
    autojump_clock, stuck_at, expected
):
    """While a consumer is slow by choice no pong can come: a message that is
    stuck tells instead.
    """
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        began = trio.current_time()
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await peer.chunk("a", bytes(1500))
            await trio.sleep_until(began + stuck_at)
            peer.stream.stall()
            with pytest.raises(ConnectionLost):
                await context.push("long " * 5000)
            assert trio.current_time() - began == expected


async def test_a_write_that_gets_stuck_while_a_pong_waits_is_found_out(autojump_clock):
    """Where a consumer is slow while a ping is under way, and a message of ours is not taken
    either, the connection is given up at the first look that finds the message too old.
    """
    async with connected_pair(pipe_bytes=4096, link=Link(latency_seconds=1)) as (connection, peer):
        began = trio.current_time()
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await trio.sleep_until(began + KEEPALIVE_SECONDS - 0.5)
            await peer.chunk("a", bytes(1500))
            await trio.sleep(1.5)
            peer.stream.stall()
            with pytest.raises(ConnectionLost):
                await context.push("long " * 5000)
            assert trio.current_time() - began == KEEPALIVE_SECONDS + 2 * PONG_SECONDS


async def test_a_dead_peer_is_detected_while_the_reader_is_stalled(autojump_clock):
    """With overflow="block", a push to a peer that does not read ends within
    the keepalive's bound.
    """
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await peer.chunk("a", bytes(1500))
            await trio.testing.wait_all_tasks_blocked()
            peer.stream.stall()
            with pytest.raises(ConnectionLost):
                await context.push("long " * 5000)
            assert trio.current_time() <= 2 * (KEEPALIVE_SECONDS + PONG_SECONDS)


class SlowPong:
    """A transport whose peer speaks now and then, and never answers a ping."""

    request_id = None

    def __init__(self, events: int):
        self.events, self.pings, self.cancelled_pings = events, 0, 0

    async def receive(self, handler):
        if not self.events:
            await trio.sleep_forever()
        await trio.sleep(10 if self.pings else 25)
        self.events -= 1
        handler.handle_message(json.dumps({"type": "weather"}))

    async def send(self, _message):
        await trio.lowlevel.checkpoint()

    async def ping(self):
        self.pings += 1
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            self.cancelled_pings += 1
            raise

    async def aclose(self):
        await trio.lowlevel.checkpoint()


async def test_a_ping_is_never_cut_in_two(autojump_clock):
    """While the peer shows other signs of life, one ping is waited for and none is cancelled; when
    they end, the connection is lost.
    """
    transport = SlowPong(events=8)

    @asynccontextmanager
    async def open_transport():
        await trio.lowlevel.checkpoint()
        yield transport

    table = ContextTable(SpeechProtocol(ContextIds("p")))
    async with open_session(open_transport, table) as session:
        await trio.sleep(25 + 7 * 10 - 1)
        assert session.loss is None
        assert (transport.pings, transport.cancelled_pings) == (1, 0)
        await trio.sleep(3 * PONG_SECONDS)
        assert session.loss is not None

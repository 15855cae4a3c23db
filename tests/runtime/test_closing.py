"""Closing a connection: politely, within a bound, and whatever the stream does."""

from __future__ import annotations

from contextlib import suppress

import pytest
import trio

from tests.support import SETTINGS
from trio_cartesia import (
    Cartesia,
    ConnectionLost,
)
from trio_cartesia._runtime.open_session import GOODBYE_SECONDS
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import (
    bounded_stream_pair,
    connect_in_memory,
    connected_pair,
)


async def test_goodbye_is_bounded(autojump_clock):
    """A peer that never answers delays the end of the block by the grace period and no more."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            context = connection.context(**SETTINGS)
            entered = await context.__aenter__()
            nursery.start_soon(entered.push, "long " * 5000)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        await context.__aexit__(None, None, None)
    assert trio.current_time() <= GOODBYE_SECONDS


async def test_a_cancelled_block_still_says_goodbye(autojump_clock):
    """Cancelling all of a connection's block still puts the cancel of its context on the wire."""
    async with (
        open_server(port=None, voice=Tones()) as server,
        connect_in_memory(server) as open_stream,
    ):
        with trio.CancelScope() as scope:
            client = Cartesia(base_url=server.url, open_stream=open_stream)
            async with (
                client.tts.websocket_connect() as connection,
                connection.context(**SETTINGS, context_id="a") as context,
            ):
                await context.push("A sentence of some length. " * 1000)
                async for _ in context.receive():
                    scope.cancel()
        assert scope.cancelled_caught
        await trio.testing.wait_all_tasks_blocked()
        (record,) = server.journal.contexts
        assert (record.cancels, record.context_id) == (1, "a")


async def test_goodbye_is_polite_and_waits_for_the_answer(autojump_clock):
    """The closing handshake is done before the stream is closed, also where it takes a while."""
    async with connected_pair() as (_, peer):
        peer.stream.stall()

        async def answer_late():
            await trio.sleep(1)
            peer.stream.resume()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer_late)
            await trio.sleep(0.5)
    # the pair's block has ended, and with it the connection's
    assert trio.current_time() == 1
    assert peer.closed_with == 1000


class Brittle(trio.abc.Stream):
    """A stream whose end is an OSError, as a caller's own may be."""

    def __init__(self, stream):
        self.stream = stream

    async def send_all(self, data):
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None):
        try:
            return await self.stream.receive_some(max_bytes)
        except trio.BrokenResourceError:
            raise OSError("cannot read") from None

    async def aclose(self):
        await self.stream.aclose()
        raise OSError("cannot close")


async def test_a_stream_that_cannot_be_closed_holds_nobody_up(autojump_clock):
    """What a caller's own stream raises when it is closed, or read, is not the caller's problem."""
    near, far = bounded_stream_pair()

    async def open_stream(_host, _port):
        await trio.lowlevel.checkpoint()
        return Brittle(near)

    async with open_server(port=None, voice=Tones()) as server, trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_stream, far)
        client = Cartesia(base_url=server.url, open_stream=open_stream)
        async with client.tts.websocket_connect() as connection:
            async with connection.speak("Hello.", **SETTINGS) as context:
                assert (await context.collect()).complete
            far.reset()
            with pytest.raises(ConnectionLost):
                async with connection.speak("Hello.", **SETTINGS) as context:
                    await context.collect()
    assert trio.current_time() < GOODBYE_SECONDS


async def test_a_closed_connection_opens_no_context(autojump_clock):
    """A connection whose block has ended opens no context, and the error gives the reason."""
    async with connected_pair() as (connection, _):
        pass
    with pytest.raises(ConnectionLost, match="the connection's block has ended") as caught:
        async with connection.context(**SETTINGS, context_id="late"):
            raise AssertionError("it was opened")
    assert caught.value.context_id == "late"


async def test_a_connection_that_was_not_closed_in_time_opens_no_context(autojump_clock):
    """The same holds if closing took too long because the peer did not read."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with connection.context(**SETTINGS) as context:
            with trio.move_on_after(1):
                await context.push("long " * 5000)
    assert trio.current_time() == 1 + GOODBYE_SECONDS
    with pytest.raises(ConnectionLost, match="the connection's block has ended"):
        async with connection.context(**SETTINGS):
            raise AssertionError("it was opened")


@pytest.mark.parametrize("base_url", ["http://localhost", "https://localhost"])
async def test_a_handshake_that_is_cancelled_leaves_no_socket(autojump_clock, base_url):
    """Whoever gives up connecting closes the stream that was opened for it."""
    closed = trio.Event()

    async def open_stream(_host, _port):
        near, far = bounded_stream_pair()
        nursery.start_soon(hear_end, far)
        await trio.lowlevel.checkpoint()
        return near

    async def hear_end(far):
        with suppress(trio.BrokenResourceError):
            while await far.receive_some():
                pass
        closed.set()

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(3):
            client = Cartesia("k", base_url=base_url, open_stream=open_stream)
            async with client.tts.websocket_connect():
                raise AssertionError("nobody answered")
        with trio.fail_after(1):
            await closed.wait()

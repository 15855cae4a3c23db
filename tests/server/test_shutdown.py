from __future__ import annotations

import math
import ssl
from contextlib import AsyncExitStack
from functools import partial

import pytest
import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from tests.server.http_client import HttpClient, speech
from tests.server.support import (
    IDLE_SECONDS,
    MORE,
    WEBSOCKET,
    Client,
    Closed,
    Json,
    audio,
    connect,
    connected,
    generation,
    on_still_time,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour, Server, open_server
from trio_cartesia.server.exchange.socket import STOPPING_CLOSE_SECONDS
from trio_cartesia.testing import bounded_stream_pair

AT_ONCE = Behaviour(times_real_time=math.inf)
MUCH = "Good morning, dear all. " * 600
OUTPUT = {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 48000}


async def joined(server: Server, serving: trio.Nursery, reach: str, tls: bool) -> trio.abc.Stream:
    stream: trio.abc.Stream
    if reach == "tcp":
        stream = await trio.open_tcp_stream("127.0.0.1", int(server.url.rpartition(":")[2]))
    else:
        stream, theirs = bounded_stream_pair(65536)
        serving.start_soon(partial(server.serve_stream, theirs, tls=tls))
    if tls:
        assert server.ca_file is not None
        trust = ssl.create_default_context(cafile=server.ca_file)
        return trio.SSLStream(stream, trust, server_hostname="localhost")
    return stream


async def ask_for_much(stream: trio.abc.Stream, path: str) -> None:
    if path == "/tts/websocket":
        client = Client(stream)
        await client.shake_hands(WEBSOCKET, [])
        await client.send(generation("a", MUCH, output_format=OUTPUT))
    else:
        await HttpClient(stream).send("POST", path, speech(MUCH, output_format=OUTPUT))


@pytest.mark.parametrize("path", ["/tts/websocket", "/tts/bytes", "/tts/sse"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("reach", ["tcp", "memory"])
@on_still_time
async def test_a_peer_that_stops_reading_does_not_hold_the_server_up(
    reach: str, tls: bool, path: str
) -> None:
    """With all buffers full of speech that nobody reads, leaving the block waits for no more than
    a WebSocket's close frame may take.
    """
    async with AsyncExitStack() as peers:
        async with (
            trio.open_nursery() as serving,
            open_server(voice="tones", tls=tls, behaviour=AT_ONCE) as server,
        ):
            stream = await joined(server, serving, reach, tls)
            peers.push_async_callback(trio.aclose_forcefully, stream)
            await ask_for_much(stream, path)
            await wait_all_tasks_blocked(IDLE_SECONDS / 2)
            (record,) = server.journal.contexts
            assert record.chunks
            assert record.ended is None
            started = trio.current_time()
        assert trio.current_time() - started <= STOPPING_CLOSE_SECONDS
        assert record.ended == "lost"


@on_virtual_time
async def test_five_minutes_and_a_second_pass_at_once() -> None:
    """On the virtual clock, in memory, a context without text ends after 1 s, a connection after
    300.
    """
    async with connected() as (client, server):
        await client.send(generation("a") | MORE)
        await client.send(generation("b", "And then? ", flush=True) | MORE)
        events: list[Json] = await client.receive_until_over("b")
        expired_at = trio.current_time()
        assert 1 <= expired_at < 2
        assert events[-1]["type"] == "done"
        with pytest.raises(Closed) as caught:
            await client.receive()
        assert (caught.value.code, caught.value.reason) == (1000, "connection idle timeout")
        assert trio.current_time() - expired_at == pytest.approx(300)
        assert server.journal.context("b").ended == "expired"


@on_still_time
async def test_leaving_the_block_is_prompt_and_polite() -> None:
    """A server that stops sends 1001 to its peers, and waits a moment for those that are silent."""
    async with trio.open_nursery() as nursery:
        async with open_server(voice="tones", behaviour=AT_ONCE) as server:
            port = int(server.url.rpartition(":")[2])
            stuck = await trio.open_tcp_stream("127.0.0.1", port)
            nursery.start_soon(hold, stuck)
            await stuck.send_all(b"GET / HTTP/1.1\r\n")
            silent = Client(await trio.open_tcp_stream("127.0.0.1", port))
            nursery.start_soon(hold, silent.stream)
            await silent.shake_hands(WEBSOCKET, [])
            listening = await connect(server, nursery, pair=memory_stream_pair)
            deaf = await connect(server, nursery, pair=lockstep_stream_pair)
            for client in (deaf, listening):
                await client.send(generation("a", "Hello, you there"))
            events = await listening.receive_until_over("a")
            assert audio(events) == await tones("Hello, you there")
            assert "4 connections" in repr(server)
            started = trio.current_time()
        assert trio.current_time() - started == pytest.approx(STOPPING_CLOSE_SECONDS)
        with pytest.raises(Closed) as caught:
            await listening.receive()
        assert caught.value.code == 1001
        with pytest.raises(OSError, match="127"):
            await trio.open_tcp_stream("127.0.0.1", port)
        nursery.cancel_scope.cancel()
    ours, theirs = memory_stream_pair()
    await server.serve_stream(theirs)
    assert await ours.receive_some() == b""


async def hold(stream: trio.abc.Stream) -> None:
    async with stream:
        await trio.sleep_forever()

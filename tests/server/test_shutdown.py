from __future__ import annotations

import ssl
import time
from contextlib import AsyncExitStack
from functools import partial

import pytest
import trio

from tests.server.http_client import HttpClient, speech
from tests.server.support import Client, Closed, Json, connected, generation, on_virtual_time
from trio_cartesia.server import Server, open_server
from trio_cartesia.testing import bounded_stream_pair

SPEECH = "/tts/websocket?cartesia_version=2026-08-14"
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
        await client.shake_hands(SPEECH, [])
        await client.send(generation("a", MUCH, output_format=OUTPUT))
    else:
        await HttpClient(stream).send("POST", path, speech(MUCH, output_format=OUTPUT))


@pytest.mark.parametrize("path", ["/tts/websocket", "/tts/bytes", "/tts/sse"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("reach", ["tcp", "memory"])
async def test_a_peer_that_stops_reading_does_not_hold_the_server_up(
    reach: str, tls: bool, path: str
) -> None:
    """With all buffers full of speech that nobody reads, leaving the block takes no time."""
    async with AsyncExitStack() as peers:
        async with (
            trio.open_nursery() as serving,
            open_server(voice="tones", tls=tls) as server,
        ):
            stream = await joined(server, serving, reach, tls)
            peers.push_async_callback(trio.aclose_forcefully, stream)
            await ask_for_much(stream, path)
            chunks = -1
            while chunks != server.journal.statistics().chunks or not chunks:
                chunks = server.journal.statistics().chunks
                await trio.sleep(0.03)
            (record,) = server.journal.contexts
            assert record.ended is None
            started = time.monotonic()
        assert time.monotonic() - started < 0.5
        assert record.ended == "lost"


@on_virtual_time
async def test_five_minutes_and_a_second_pass_at_once() -> None:
    """On the virtual clock, in memory, a context without text ends after 1 s, a connection after
    300.
    """
    began = time.monotonic()
    async with connected() as (client, server):
        await client.send(generation("a") | {"continue": True})
        await client.send(generation("b", "And then? ", flush=True) | {"continue": True})
        events: list[Json] = await client.receive_until_over("b")
        expired_at = trio.current_time()
        assert 1 <= expired_at < 2
        assert events[-1]["type"] == "done"
        with pytest.raises(Closed) as caught:
            await client.receive()
        assert (caught.value.code, caught.value.reason) == (1000, "connection idle timeout")
        assert trio.current_time() - expired_at == pytest.approx(300)
        assert server.journal.context("b").ended == "expired"
    assert time.monotonic() - began < 5  # it takes milliseconds, unless the machine is busy

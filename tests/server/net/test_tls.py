from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from tests.server.support import (
    WEBSOCKET,
    Client,
    Closed,
    audio,
    catch_logs,
    generation,
    on_still_time,
    on_virtual_time,
    tones,
)
from tests.server.tls import dial, over_tls, own_contexts, read_to_the_end, trusting
from trio_cartesia import Cartesia, ConnectFailed
from trio_cartesia.server import Server, open_server
from trio_cartesia.server.net.tls import HANDSHAKE_SECONDS


async def test_a_client_that_trusts_the_authority_is_spoken_to() -> None:
    """With the CA file a client speaks over wss; the file has no private key, and goes with the
    block.
    """
    async with open_server(voice="tones", tls=True) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.websocket_url == server.url.replace("https", "wss")
        ca_file = server.ca_file
        assert ca_file is not None
        assert b"PRIVATE" not in ca_file.read_bytes()
        for host in ("127.0.0.1", "localhost"):
            url = server.url.replace("127.0.0.1", host)
            async with (
                Cartesia(base_url=url, ssl_context=trusting(server)) as client,
                client.tts.websocket_connect() as connection,
                connection.speak(
                    "Nobody else hears this.",
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 8000},
                ) as context,
            ):
                speech = await context.collect()
            assert speech.audio == server.journal.contexts[-1].audio != b""
    assert not ca_file.exists()


async def test_a_client_that_does_not_trust_it_hears_nothing() -> None:
    """Without the CA file there is no connection, and the service's log stays quiet."""
    async with open_server(voice="tones", tls=True) as server:
        with catch_logs(logging.INFO) as lines:
            async with Cartesia(base_url=server.url) as client:
                with pytest.raises(ConnectFailed, match="certificate"):
                    async with client.tts.websocket_connect():
                        pass
        assert lines == []
        assert server.journal.connections == ()


async def test_http_1_1_is_agreed_on() -> None:
    """Who offers HTTP/2 as well gets HTTP/1.1, by name."""
    async with open_server(voice="tones", tls=True) as server:
        context = trusting(server)
        context.set_alpn_protocols(["h2", "http/1.1"])
        stream = trio.SSLStream(await dial(server), context, server_hostname="localhost")
        await stream.do_handshake()
        assert stream.selected_alpn_protocol() == "http/1.1"
        await trio.aclose_forcefully(stream)


@on_still_time
async def test_the_end_of_an_answer_is_told_over_tls() -> None:
    """A peer that reads until the end gets it at once, and as TLS wants it."""
    async with open_server(voice="tones", tls=True) as server:
        async with over_tls(trusting(server), await dial(server)) as stream:
            started = trio.current_time()
            await stream.send_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            answer = await read_to_the_end(stream)
            assert trio.current_time() == started
        assert answer.startswith(b"HTTP/1.1 200")


async def test_the_last_words_arrive_before_the_end() -> None:
    """A refusal is read by a peer that is still sending what was too much."""
    async with open_server(voice="tones", tls=True) as server, trio.open_nursery() as nursery:
        async with over_tls(trusting(server), await dial(server)) as stream:
            await stream.send_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 99000000\r\n\r\n")

            async def send_too_much() -> None:
                try:
                    while True:
                        await stream.send_all(bytes(65536))
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return

            nursery.start_soon(send_too_much)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += await stream.receive_some()
            assert answer.startswith(b"HTTP/1.1 413")


async def test_plain_http_is_told_to_use_https() -> None:
    """HTTP sent to the TLS port gets an error body that says so, and an end."""
    async with open_server(voice="tones", tls=True) as server:
        with catch_logs(logging.WARNING) as lines:
            async with await dial(server) as stream:
                await stream.send_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                head, _, body = (await read_to_the_end(stream)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert "https" in json.loads(body)["message"]
        assert lines == []


@asynccontextmanager
async def joined(server: Server) -> AsyncIterator[trio.abc.Stream]:
    """A connection in memory to the server's TLS, that has to be over when the block ends."""
    async with trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()

        async def serve() -> None:
            await server.serve_stream(theirs, tls=True)

        nursery.start_soon(serve)  # noqa: ASYNC113  # bytes wait for whoever comes
        yield ours


@on_virtual_time
async def test_a_handshake_that_never_ends_is_ended() -> None:
    """A peer that connects and says nothing is let go after the time for a handshake."""
    async with open_server(port=None, voice="tones", tls=True) as server:
        with catch_logs(logging.INFO) as lines:
            async with joined(server) as stream:
                assert await read_to_the_end(stream) == b""
                assert trio.current_time() == HANDSHAKE_SECONDS
        assert lines == []


@cache
def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        peer.do_handshake()
    return outgoing.read()


@given(
    garbage=st.binary(max_size=300) | st.integers(0, 600).map(lambda end: client_hello()[:end]),
    leaves=st.booleans(),
)
@example(garbage=b"GET / HTTP/1.1\r\n\r\n", leaves=True)
@on_virtual_time
async def test_whatever_comes_instead_of_tls_ends_quietly(garbage: bytes, leaves: bool) -> None:
    """Any bytes, and a handshake that is cut anywhere, end that connection with no word in the
    log.
    """
    async with open_server(port=None, voice="tones", tls=own_contexts()[0]) as server:
        with catch_logs(logging.WARNING) as lines:
            async with joined(server) as stream:
                await stream.send_all(garbage)
                if leaves:
                    await stream.aclose()
        assert trio.current_time() < 2 * HANDSHAKE_SECONDS
        assert lines == []


@on_virtual_time
async def test_tls_works_in_memory() -> None:
    """Over TLS in memory a context is spoken as it is without, and the close is heard."""
    async with open_server(port=None, voice="tones", tls=True) as server:
        assert server.url == "http://localhost"  # streams are served as they come
        async with joined(server) as stream:
            async with over_tls(trusting(server), stream) as secured:
                client = Client(secured)
                await client.shake_hands(WEBSOCKET, [])
                events = await client.speak(generation("a", "Hello, you there."))
                assert audio(events) == await tones("Hello, you there.")
                await client.close()
                with pytest.raises(Closed):
                    await client.next_event()


@on_virtual_time
async def test_a_stream_that_brings_its_own_tls_is_served() -> None:
    """A server without TLS serves an SSL stream of the caller's, and refuses to make one."""
    context, trust = own_contexts()
    async with open_server(port=None, voice="tones") as server, trio.open_nursery() as nursery:
        ours, theirs = memory_stream_pair()
        with pytest.raises(ValueError, match="no TLS"):
            await server.serve_stream(theirs, tls=True)
        nursery.start_soon(server.serve_stream, trio.SSLStream(theirs, context, server_side=True))
        async with over_tls(trust, ours) as secured:
            client = Client(secured)
            await client.shake_hands(WEBSOCKET, [])
            assert audio(await client.speak(generation("a", "Hello."))) == await tones("Hello.")

"""A connection over sockets of the system's, with its own way to read them."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio_websocket import WebSocketConnection, wrap_server_stream

from tests.runtime.transport.test_fast_path import in_pieces
from tests.support import SETTINGS, chunk_message
from trio_cartesia import Cartesia, Connection, ConnectionLost
from trio_cartesia._protocol.tts.messages import Event

Other = tuple[WebSocketConnection, trio.SocketStream]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, Other]]:
    """A connection over TCP on loopback, and its other end."""
    accepted, others = trio.open_memory_channel[Other](1)

    async def accept(stream: trio.SocketStream) -> None:
        request = await wrap_server_stream(nursery, stream)
        await accepted.send((await request.accept(), stream))
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, accept, listeners)
        port = listeners[0].socket.getsockname()[1]
        client = Cartesia("k", base_url=f"http://127.0.0.1:{port}")
        async with client.tts.websocket_connect() as connection:
            yield connection, await others.receive()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def begun() -> AsyncIterator[tuple[AsyncIterator[Event], Other]]:
    """What receives a context's events, of which one has come, and the other end."""
    async with connected() as (connection, (other, stream)):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await other.get_message()
            await other.send_message(chunk_message("a", b"12"))
            receiver = context.receive()
            event = await anext(receiver)
            assert event.type == "chunk"
            assert event.audio == b"12"
            yield receiver, (other, stream)


async def test_speech_of_two_contexts_arrives_whole():
    """Megabytes for two contexts at once come in order, and none of them crossed."""
    said = {name: [f"{name}{number:05d}".encode() * 3000 for number in range(100)] for name in "ab"}
    heard: dict[str, list[bytes]] = {"a": [], "b": []}
    async with connected() as (connection, (other, _)), trio.open_nursery() as nursery:

        async def listen(name: str) -> None:
            async with connection.context(**SETTINGS, context_id=name) as context:
                await context.push("Hello.")
                await context.no_more_inputs()
                async for event in context.receive():
                    if event.type == "chunk":
                        heard[name].append(event.audio)

        for name in heard:
            nursery.start_soon(listen, name)
        for _ in range(4):
            await other.get_message()
        for pieces in zip(said["a"], said["b"], strict=True):
            for name, audio in zip("ab", pieces, strict=True):
                await other.send_message(chunk_message(name, audio))
        for name in heard:
            await other.send_message(json.dumps({"type": "done", "context_id": name}))
    assert heard == said


async def test_a_message_in_pieces_is_read_and_what_follows():
    """After a message in two fragments, which closes the fast path, messages still arrive."""
    async with begun() as (receiver, (other, stream)):
        await stream.send_all(in_pieces(json.loads(chunk_message("a", b"34")), 10))
        await other.send_message(chunk_message("a", b"56"))
        heard = [(await anext(receiver)).audio for _ in range(2)]
        await other.send_message(chunk_message("a", b"78"))
        heard.append((await anext(receiver)).audio)
    assert heard == [b"34", b"56", b"78"]


@pytest.mark.parametrize("end", ["close", "half", "reset"])
async def test_every_end_of_a_socket_is_a_loss_after_what_had_come(end):
    """However the peer's socket ends, a loop gets what had come, then hears of the loss."""
    async with begun() as (receiver, (_, stream)):
        if end == "half":
            await stream.send_eof()
        else:
            if end == "reset":
                linger = struct.pack("ii", 1, 0)
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            await stream.aclose()
        with trio.fail_after(30), pytest.raises(ConnectionLost) as caught:
            await anext(receiver)
        assert "without a goodbye" in str(caught.value)


async def test_speak_sends_a_text_in_the_same_turn():
    """Entering `speak` with a whole text sends it, so that no other task delays it."""
    async with connected() as (connection, (other, stream)):
        async with connection.speak("Hello.", **SETTINGS):
            readable, _, _ = select.select([stream.socket.fileno()], [], [], 0)
            assert readable
        await other.get_message()


async def test_pushes_beyond_the_socket_buffer_arrive_in_order():
    """Pushes larger than the socket's buffers arrive whole and in order, even if the peer reads
    late and sends pings in between.
    """
    pieces = [f"{number:05d}" * 20_000 for number in range(40)]
    async with connected() as (connection, (other, _)), trio.open_nursery() as nursery:
        async with connection.context(**SETTINGS, context_id="a") as context:

            async def push() -> None:
                for piece in pieces:
                    await context.push(piece)
                await context.no_more_inputs()

            nursery.start_soon(push)
            await other.ping()
            received = [json.loads(await other.get_message()) for _ in range(len(pieces) + 1)]
            assert [each["transcript"] for each in received] == [*pieces, ""]


async def test_a_peer_that_is_gone_is_noticed_by_a_message_sent_at_once():
    """A socket that takes nothing more fails the push, as where a task sends."""
    async with connected() as (connection, (_, stream)):
        async with connection.context(**SETTINGS, context_id="a") as context:
            linger = struct.pack("ii", 1, 0)
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            stream.socket.close()
            with pytest.raises(ConnectionLost):
                while True:
                    await context.push("Hello.")

"""`Peer`, the scripted other end of a connection, and functions that connect in memory."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from trio_cartesia import Cartesia, Connection
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._runtime.managers import block
from trio_cartesia.testing.links import DIRECT, PIPE_BYTES, Link
from trio_cartesia.testing.memory_streams import MemoryStream, bounded_stream_pair

__all__ = ["Peer", "StreamServer", "client_with_peers", "connect_in_memory", "connected_pair"]

OpenStream = Callable[[str, int], Awaitable[trio.abc.Stream]]


class StreamServer(Protocol):
    """A server of connections over streams, such as `trio_cartesia.server.Server`."""

    async def serve_stream(self, stream: trio.abc.Stream, /) -> None:
        """Serve *stream* until it ends."""


@no_public_constructor("connected_pair()")
@attrs.define(eq=False, init=False)
class Peer:
    """The server's end of a connection, which sends only what the test makes it send.

    `connected_pair` makes it. Once the connection has ended, the methods that send raise
    `trio.BrokenResourceError`, and those that receive raise `trio.EndOfChannel`.

    Attributes:
        stream: Its end of the connection in memory, which can be stalled, cut and reset.
    """

    stream: MemoryStream
    _websocket: WebSocketConnection
    _closing: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    @property
    def closed_with(self) -> int | None:
        """The close code of the connection; None while it is open."""
        reason = self._websocket.closed
        return reason.code if reason is not None else None

    async def receive(self) -> dict[str, Any]:
        """Receive the next request, and return its JSON object.

        Raises:
            trio.EndOfChannel: The connection has ended.
        """
        request: dict[str, Any] = json.loads(await self.receive_message())
        return request

    async def receive_message(self) -> str | bytes:
        """Receive the next message of any content: str for a text message, bytes for a binary one.

        Raises:
            trio.EndOfChannel: The connection has ended.
        """
        try:
            return await self._websocket.get_message()
        except ConnectionClosed as error:
            raise trio.EndOfChannel("the connection has ended") from error

    async def receive_cancel(self, context_id: str) -> None:
        """Receive requests until one of them cancels the context; drop the others.

        Raises:
            trio.EndOfChannel: The connection has ended.
        """
        while (await self.receive()) != {"context_id": context_id, "cancel": True}:
            pass

    async def send(self, **event: object) -> None:
        """Send an event of any shape, as JSON without blanks."""
        await self.send_text(json.dumps(event, separators=(",", ":")))

    async def send_text(self, text: str | bytes) -> None:
        """Send a message of any content: a text message for str, a binary one for bytes."""
        try:
            await self._websocket.send_message(text)
        except ConnectionClosed as error:
            raise trio.BrokenResourceError("the connection has ended") from error

    async def chunk(self, context_id: str, audio: bytes, **fields: object) -> None:
        """Send a ``chunk`` event with *audio*, and with *fields* as further members."""
        data = base64.b64encode(audio).decode()
        await self.send(type="chunk", context_id=context_id, data=data, **fields)

    async def words(
        self, context_id: str, times: Iterable[tuple[str, float, float]], **fields: object
    ) -> None:
        """Send a ``timestamps`` event: words with their starts and ends, in seconds."""
        columns = _columns("words", times)
        await self.send(type="timestamps", context_id=context_id, word_timestamps=columns, **fields)

    async def phonemes(
        self, context_id: str, times: Iterable[tuple[str, float, float]], **fields: object
    ) -> None:
        """Send a ``phoneme_timestamps`` event: phonemes with their starts and ends, in seconds."""
        columns = _columns("phonemes", times)
        await self.send(
            type="phoneme_timestamps", context_id=context_id, phoneme_timestamps=columns, **fields
        )

    async def flush_done(self, context_id: str, **fields: object) -> None:
        """Send a ``flush_done`` event, which ends a segment."""
        await self.send(type="flush_done", context_id=context_id, flush_done=True, **fields)

    async def done(self, context_id: str) -> None:
        """Send a ``done`` event, which ends a context."""
        await self.send(type="done", context_id=context_id, done=True, status_code=206)

    async def error(self, context_id: str | None = None, **fields: object) -> None:
        """Send an ``error`` event, which fails a context; without an id it names no context."""
        named = {} if context_id is None else {"context_id": context_id}
        await self.send(type="error", done=True, **{"status_code": 400, **named, **fields})

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the WebSocket, and wait until the client has confirmed it or has gone."""
        with trio.CancelScope() as self._closing:
            await self._websocket.aclose(code, reason)


def _columns(name: str, times: Iterable[tuple[str, float, float]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [], "start": [], "end": []}
    for row in times:
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns


@block("connected_pair()")
@asynccontextmanager
async def connected_pair(
    *,
    inbox_bytes: int = 64 * 2**20,
    stall_seconds: float | None = 60.0,
    pipe_bytes: int = PIPE_BYTES,
    link: Link = DIRECT,
    version: str = "2026-08-14",
) -> AsyncIterator[tuple[Connection, Peer]]:
    """Connect a `Connection` to a `Peer` in memory, over a real WebSocket, for the block.

    Args:
        inbox_bytes: The inbox budget of the connection's contexts.
        stall_seconds: The stall limit of the connection's contexts.
        pipe_bytes: Bytes that each direction holds before sending waits.
        link: How slowly, and in which pieces, bytes are carried.
        version: The API version that the client sends.

    Example::

        import trio
        from trio_cartesia.testing import connected_pair

        async def main():
            async with connected_pair() as (connection, peer):
                async with connection.context(
                    context_id="a",
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format={"encoding": "pcm_s16le", "sample_rate": 24000},
                ) as context:
                    await context.push("Hello.")
                    assert (await peer.receive())["transcript"] == "Hello."
                    await peer.chunk("a", bytes(480))
                    await peer.done("a")
                    speech = await context.collect()
                    assert speech.duration_seconds == 0.01

        trio.run(main)
    """
    async with client_with_peers(pipe_bytes=pipe_bytes, link=link, version=version) as (
        client,
        peers,
    ):
        connecting = client.tts.websocket_connect(
            inbox_bytes=inbox_bytes, stall_seconds=stall_seconds
        )
        async with connecting as connection:
            yield connection, await peers.receive()


@block("client_with_peers()")
@asynccontextmanager
async def client_with_peers(
    *, pipe_bytes: int = PIPE_BYTES, link: Link = DIRECT, version: str = "2026-08-14"
) -> AsyncIterator[tuple[Cartesia, trio.MemoryReceiveChannel[Peer]]]:
    """Make a client whose WebSockets of any kind are connected to peers in memory, for the block.

    Args:
        pipe_bytes: Bytes that each direction holds before sending waits.
        link: How slowly, and in which pieces, bytes are carried.
        version: The API version that the client sends.

    Yields:
        The client, and a channel of which each connection's `Peer` is received.

    Example::

        import trio
        from trio_cartesia.testing import client_with_peers

        SETTINGS = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}

        async def main():
            async with client_with_peers() as (client, peers):
                async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
                    peer = await peers.receive()
                    await session.send_audio(bytes(3200))
                    assert await peer.receive_message() == bytes(3200)
                    await peer.send(type="transcript", is_final=True, text="Hello.")
                    async for event in session.receive():
                        assert event.text == "Hello."
                        break
                    await session.no_more_audio()
                    assert await peer.receive_message() == "close"
                    await peer.send(type="done")

        trio.run(main)
    """
    accepted, peers = trio.open_memory_channel[Peer](math.inf)

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        near, far = bounded_stream_pair(pipe_bytes, link=link)
        nursery.start_soon(_accept, far, accepted)
        await trio.lowlevel.checkpoint()
        return near

    async with open_service_nursery() as nursery:
        client = Cartesia(
            "sk_car_test", base_url="http://localhost", open_stream=open_stream, version=version
        )
        yield client, peers


async def _accept(stream: MemoryStream, accepted: trio.MemorySendChannel[Peer]) -> None:
    """Serve one stream: answer the handshake, pass a `Peer` on, and answer pings."""
    peer: Peer | None = None
    try:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            peer = create(Peer, stream, await request.accept())
            accepted.send_nowait(peer)
    except* Exception:
        if peer is None:
            raise
        # trio-websocket crashes when it is pinged while it closes; the connection ends here anyway
    finally:
        if peer is not None:
            peer._closing.cancel("the connection has ended")
        await trio.aclose_forcefully(stream)


@block("connect_in_memory()")
@asynccontextmanager
async def connect_in_memory(
    server: StreamServer, pipe_bytes: int = PIPE_BYTES, *, link: Link = DIRECT
) -> AsyncIterator[OpenStream]:
    """Yield an *open_stream* for `Cartesia` that connects to *server* in memory.

    Args:
        server: Serves each connection, in a task of its own.
        pipe_bytes: Bytes that each direction holds before sending waits.
        link: How slowly, and in which pieces, bytes are carried.
    """

    async def open_stream(_host: str, _port: int) -> trio.abc.Stream:
        near, far = bounded_stream_pair(pipe_bytes, link=link)
        nursery.start_soon(partial(server.serve_stream, far))
        await trio.lowlevel.checkpoint()
        return near

    async with open_service_nursery() as nursery:
        yield open_stream

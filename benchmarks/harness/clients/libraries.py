"""The libraries below the clients, with the least code that does the same.

Libraries are imported where they are used, so that each is measured without the others.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import socket
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from harness.clients.tasks import (
    SETTINGS,
    AsyncioClient,
    Client,
    Connect,
    Plan,
    Take,
    TrioClient,
    authority,
)
from harness.measure import Measure
from harness.messages import TOKEN

PATH: Final = "/tts/websocket"


def message(name: str, transcript: str = "x", *, is_last: bool = True) -> str:
    """Return a generation request."""
    fields = {"context_id": name, "transcript": transcript, "continue": not is_last}
    return json.dumps({**SETTINGS, **fields})


@attrs.define
class Queued:
    """A connection whose reader puts events into a queue a context."""

    connection: Any
    queues: Any


class Websockets(AsyncioClient):
    """The library of the official client, with the standard library's decoders."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Connect]:
        """Yield a function that connects and starts a reader."""
        yield partial(self._connect, url + PATH)

    @asynccontextmanager
    async def _connect(self, url: str) -> AsyncIterator[Queued]:
        from websockets.asyncio.client import connect

        async with connect(url, ssl=authority(), max_size=None) as connection:
            queued = Queued(connection, defaultdict(asyncio.Queue))
            reader = asyncio.create_task(self._read(queued))
            try:
                yield queued
            finally:
                reader.cancel()

    async def _read(self, queued: Queued) -> None:
        async for text in queued.connection:
            event = json.loads(text)
            queued.queues[event["context_id"]].put_nowait(event)

    async def receive(self, connection: Queued, name: str, take: Take) -> None:
        """Take events from the context's queue."""
        queue = connection.queues[name]
        await connection.connection.send(message(name))
        while (event := await queue.get())["type"] == "chunk":
            take(base64.b64decode(event["data"]), event["step_time"])

    async def push(self, connection: Queued, name: str, pieces: int) -> None:
        """Send messages that are ready."""
        text = message(name, TOKEN, is_last=False)
        for _ in range(pieces):
            await connection.connection.send(text)
        await connection.connection.send(message(name, ""))


class TrioWebsocket(TrioClient):
    """The library that this package stands on, with the standard library's decoders."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Connect]:
        """Yield a function that connects and starts a reader."""
        yield partial(self._connect, url + PATH)

    @asynccontextmanager
    async def _connect(self, url: str) -> AsyncIterator[Queued]:
        import trio
        from trio_websocket import open_websocket_url

        async with (
            open_websocket_url(url, ssl_context=authority()) as connection,
            trio.open_nursery() as nursery,
        ):
            queued = Queued(connection, defaultdict(partial(trio.open_memory_channel, math.inf)))
            nursery.start_soon(self._read, queued)
            yield queued
            nursery.cancel_scope.cancel()

    async def _read(self, queued: Queued) -> None:
        while True:
            event = json.loads(await queued.connection.get_message())
            queued.queues[event["context_id"]][0].send_nowait(event)

    async def receive(self, connection: Queued, name: str, take: Take) -> None:
        """Take events from the context's memory channel."""
        events = connection.queues[name][1]
        await connection.connection.send_message(message(name))
        async for event in events:
            if event["type"] != "chunk":
                return
            take(base64.b64decode(event["data"]), event["step_time"])


class LeastQueue:
    """The least that hands events to a task of asyncio: unbounded, for one task."""

    __slots__ = ("events", "waiter")

    def __init__(self) -> None:
        self.events: deque[Any] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        """Add an event, and wake the task."""
        self.events.append(event)
        if self.waiter is not None:
            self.waiter.set_result(None)
            self.waiter = None

    async def get(self) -> Any:
        """Return the next event."""
        if not self.events:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return self.events.popleft()


class Picows(AsyncioClient):
    """Cython below asyncio, with our decoders, and a queue a context."""

    make_queue: Callable[[], Any] = asyncio.Queue
    is_raw = False

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Connect]:
        """Yield a function that connects with a listener."""
        yield partial(self._connect, url + PATH)

    @asynccontextmanager
    async def _connect(self, url: str) -> AsyncIterator[Queued]:
        import orjson
        import pybase64
        from picows import WSFrame, WSListener, WSTransport, ws_connect

        loads, decode, is_raw = orjson.loads, pybase64.b64decode, self.is_raw
        queued = Queued(None, defaultdict(self.make_queue))
        queues = queued.queues

        class Listener(WSListener):
            def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002  # the signature is given
                event = loads(frame.get_payload_as_memoryview())
                if event["type"] == "chunk":
                    event["audio"] = decode(event["data"], validate=True)
                    if is_raw:
                        queues["take"](event["audio"], event["step_time"])
                        return
                queues[event["context_id"]].put_nowait(event)

        transport, _ = await ws_connect(Listener, url, ssl_context=authority())
        queued.connection = transport
        yield queued
        transport.disconnect()

    async def receive(self, connection: Queued, name: str, take: Take) -> None:
        """Take events from the context's queue."""
        from picows import WSMsgType

        connection.queues["take"] = take
        queue = connection.queues[name]
        connection.connection.send(WSMsgType.TEXT, message(name).encode())
        while (event := await queue.get())["type"] == "chunk":
            take(event["audio"], event["step_time"])


class PicowsLeast(Picows):
    """The same with the least queue: near the limit of Python."""

    make_queue = LeastQueue


class PicowsRaw(PicowsLeast):
    """The same, counting in the callback: no chunk reaches a task."""

    is_raw = True


class RawSocket(Client):
    """Reads and parses nothing: what the load can do."""

    def perform(self, plan: Plan) -> None:
        """Read up to the last context's terminal event."""
        import wsproto
        from wsproto.events import Request, TextMessage

        address, measure, names = urlsplit(plan.url), Measure(plan.pace), [*plan.names()]
        stream = socket.create_connection((address.hostname, address.port))
        if (context := authority()) is not None:
            stream = context.wrap_socket(stream, server_hostname=address.hostname)
        protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        stream.sendall(protocol.send(Request(host="localhost", target=PATH)))
        protocol.receive_data(stream.recv(2**16))
        assert [*protocol.events()]
        for name in names:
            stream.sendall(protocol.send(TextMessage(data=message(name))))
        buffer, tail = bytearray(2**20), b""
        last = f'"{names[-1]}","status_code":206,"done":true}}'.encode()
        while not tail.endswith(last):
            size = stream.recv_into(buffer)
            measure.take(b"", None)
            tail = (tail + buffer[max(0, size - 100) : size])[-100:]
        measure.frames = -1  # it does not count frames
        measure.report()
        with suppress(OSError):
            stream.close()

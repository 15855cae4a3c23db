"""The libraries below the clients, as clients.py has those: ``clients_below.py NAME URL CONTEXTS``.

Each does what the clients do, two limits excepted, which hand nothing to tasks.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from clients import SETTINGS, Heard, authority, names, run

PATH = "/tts/websocket"


def opening(name: str) -> str:
    """Write the message that names a context."""
    return json.dumps({**SETTINGS, "context_id": name, "transcript": "x", "continue": False})


def websockets(url: str, contexts: int, heard: Heard) -> None:
    """Use the library that the official client stands on, with the standard library's decoders."""
    from websockets.asyncio.client import connect

    queues: dict[str, asyncio.Queue[Any]] = {}

    async def read(connection: Any) -> None:
        async for message in connection:
            event = json.loads(message)
            queues[event["context_id"]].put_nowait(event)

    async def listen(queue: asyncio.Queue[Any]) -> None:
        while (event := await queue.get())["type"] == "chunk":
            heard.take(base64.b64decode(event["data"]), event["step_time"])

    async def main() -> None:
        async with connect(url + PATH, ssl=authority(), max_size=None) as connection:
            queues.update({name: asyncio.Queue() for name in names(contexts)})
            reader = asyncio.create_task(read(connection))
            for name in queues:
                await connection.send(opening(name))
            await asyncio.gather(*map(listen, queues.values()))
            print(json.dumps(heard.report()), flush=True)
            reader.cancel()

    asyncio.run(main())


def trio_websocket(url: str, contexts: int, heard: Heard) -> None:
    """Use the library that this package stands on, with the standard library's decoders."""
    import math

    import trio
    from trio_websocket import open_websocket_url

    async def read(connection: Any, senders: dict[str, Any]) -> None:
        while True:
            event = json.loads(await connection.get_message())
            senders[event["context_id"]].send_nowait(event)

    async def listen(events: Any) -> None:
        async for event in events:
            if event["type"] != "chunk":
                return
            heard.take(base64.b64decode(event["data"]), event["step_time"])

    async def main() -> None:
        async with (
            open_websocket_url(url + PATH, ssl_context=authority()) as connection,
            trio.open_nursery() as outer,
        ):
            channels = {name: trio.open_memory_channel[Any](math.inf) for name in names(contexts)}
            outer.start_soon(read, connection, {name: pair[0] for name, pair in channels.items()})
            for name in channels:
                await connection.send_message(opening(name))
            async with trio.open_nursery() as nursery:
                for _, events in channels.values():
                    nursery.start_soon(listen, events)
            print(json.dumps(heard.report()), flush=True)
            outer.cancel_scope.cancel()

    trio.run(main)


class Inbox:
    """The least that hands events to a task under asyncio: without bound, for one task."""

    __slots__ = ("events", "waiter")

    def __init__(self) -> None:
        self.events: deque[Any] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def put(self, event: Any) -> None:
        """Hand an event over."""
        self.events.append(event)
        if self.waiter is not None:
            self.waiter.set_result(None)
            self.waiter = None

    put_nowait = put

    async def get(self) -> Any:
        """Return the next event."""
        if not self.events:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        return self.events.popleft()


def _picows(
    url: str, contexts: int, heard: Heard, make: Callable[[], Any], *, is_raw: bool = False
) -> None:
    import orjson
    import pybase64
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    loads, decode = orjson.loads, pybase64.b64decode
    inboxes = {name: make() for name in names(contexts)}

    class Listener(WSListener):  # type: ignore[misc]
        def on_ws_connected(self, transport: WSTransport) -> None:
            for name in inboxes:
                transport.send(WSMsgType.TEXT, opening(name).encode())

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002
            event = loads(frame.get_payload_as_memoryview())
            if event["type"] == "chunk":
                event["audio"] = decode(event["data"], validate=True)
                if is_raw:
                    heard.take(event["audio"], event["step_time"])
                    return
            inboxes[event["context_id"]].put_nowait(event)

    async def listen(inbox: Any) -> None:
        while (event := await inbox.get())["type"] == "chunk":
            heard.take(event["audio"], event["step_time"])

    async def main() -> None:
        transport, _ = await ws_connect(Listener, url + PATH, ssl_context=authority())
        await asyncio.gather(*map(listen, inboxes.values()))
        print(json.dumps(heard.report()), flush=True)
        transport.disconnect()

    asyncio.run(main())


def picows(url: str, contexts: int, heard: Heard) -> None:
    """Use Cython below asyncio, with our decoders, and a Queue a context."""
    _picows(url, contexts, heard, asyncio.Queue)


def picows_least(url: str, contexts: int, heard: Heard) -> None:
    """The same, with the least that can stand in for the Queue: near the limit of Python."""
    _picows(url, contexts, heard, Inbox)


def picows_raw(url: str, contexts: int, heard: Heard) -> None:
    """Use picows, and count in its callback: nothing reaches a task."""
    _picows(url, contexts, heard, Inbox, is_raw=True)


def raw_socket(url: str, contexts: int, heard: Heard) -> None:
    """Read and look at nothing: what the load can do."""
    import wsproto
    from wsproto.events import Request, TextMessage

    address = urlsplit(url)
    stream = socket.create_connection((address.hostname, address.port))
    if (context := authority()) is not None:
        stream = context.wrap_socket(stream, server_hostname=address.hostname)
    protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    stream.sendall(protocol.send(Request(host="localhost", target=PATH)))
    protocol.receive_data(stream.recv(2**16))
    assert [*protocol.events()]
    for name in names(contexts):
        stream.sendall(protocol.send(TextMessage(data=opening(name))))
    buffer, tail = bytearray(2**20), b""
    last = f'"{names(contexts)[-1]}","status_code":206,"done":true}}'.encode()
    while not tail.endswith(last):
        size = stream.recv_into(buffer)
        heard.take(b"", None)
        tail = (tail + buffer[max(0, size - 100) : size])[-100:]
    heard.frames = -1  # nobody looked
    print(json.dumps(heard.report()), flush=True)


if __name__ == "__main__":
    run(
        {
            "websockets": websockets,
            "trio_websocket": trio_websocket,
            "picows": picows,
            "picows_least": picows_least,
            "picows_raw": picows_raw,
            "raw_socket": raw_socket,
        }
    )

"""
The clients that are compared, each in a process of its own: ``clients.py NAME URL CONTEXTS``.

Each does the same: names its contexts, hands every event to a task a context (the official
synchronous client and two limits excepted), and there decodes the audio and counts it. The measure
begins with the first chunk and ends with the last event. It is printed as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SETTINGS: dict[str, Any] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}
KEY = "sk_car_benchmark"
PATH = "/tts/websocket"


def queued_seconds() -> float:
    """Return how long this process could have run, but had no processor."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


class Heard:
    """What a client heard, and what that cost."""

    def __init__(self, *, is_paced: bool) -> None:
        self.frames = self.bytes = 0
        self.began = self.cpu = self.queued = 0.0
        self.delays: list[float] | None = [] if is_paced else None

    def take(self, audio: bytes, step_time: float | None) -> None:
        """Count a chunk that was delivered."""
        if not self.frames:
            self.queued = queued_seconds()
            self.began, self.cpu = time.perf_counter(), time.process_time()
        self.frames += 1
        self.bytes += len(audio)
        if self.delays is not None and step_time is not None:
            self.delays.append(time.perf_counter() - step_time)

    def report(self) -> dict[str, Any]:
        """Return the measure."""
        return {
            "frames": self.frames,
            "bytes": self.bytes,
            "seconds": time.perf_counter() - self.began,
            "queued_seconds": queued_seconds() - self.queued,
            "cpu_seconds": time.process_time() - self.cpu,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "delays": self.delays,
        }


def names(contexts: int) -> list[str]:
    """Return the contexts' names."""
    return [f"context-{number}" for number in range(contexts)]


def opening(name: str) -> str:
    """Write the message that names a context."""
    return json.dumps({**SETTINGS, "context_id": name, "transcript": "x", "continue": False})


def authority() -> ssl.SSLContext | None:
    """Return what trusts the load's certificate; None where there is no TLS."""
    path = os.environ.get("BENCHMARK_AUTHORITY")
    return ssl.create_default_context(cafile=path) if path else None


def ours(url: str, contexts: int, heard: Heard) -> None:
    """Use this package, by its public names."""
    import trio

    from trio_cartesia import Cartesia, Connection

    async def listen(connection: Connection, name: str) -> None:
        async with connection.context(context_id=name, **SETTINGS) as context:
            await context.push("x")
            await context.no_more_inputs()
            async for event in context.receive():
                if event.type == "chunk":
                    heard.take(event.audio, event.step_time)

    async def main() -> None:
        async with (
            Cartesia(KEY, websocket_base_url=url, ssl_context=authority()) as client,
            client.tts.websocket_connect() as connection,
        ):
            async with trio.open_nursery() as nursery:
                for name in names(contexts):
                    nursery.start_soon(listen, connection, name)
            print(json.dumps(heard.report()))

    trio.run(main)


def official_async(url: str, contexts: int, heard: Heard) -> None:
    """Use the official asynchronous client."""
    from cartesia import AsyncCartesia

    async def listen(connection: Any, name: str) -> None:
        context = connection.context(name, **SETTINGS)
        await context.push("x")
        await context.no_more_inputs()
        async for event in context.receive():
            if event.type == "chunk":
                heard.take(event.audio, event.step_time)

    async def main() -> None:
        client = AsyncCartesia(api_key=KEY, websocket_base_url=url)
        async with client.tts.websocket_connect(
            websocket_connection_options={"ssl": authority()} if authority() else {}
        ) as connection:
            await asyncio.gather(*(listen(connection, name) for name in names(contexts)))
            print(json.dumps(heard.report()), flush=True)

    asyncio.run(main())


def official_sync(url: str, contexts: int, heard: Heard) -> None:
    """Use the official synchronous client, one context after another: it has no tasks."""
    from cartesia import Cartesia

    client = Cartesia(api_key=KEY, websocket_base_url=url)
    options: Any = {"ssl": authority()} if authority() else {}
    with client.tts.websocket_connect(websocket_connection_options=options) as connection:
        opened = [connection.context(name, **SETTINGS) for name in names(contexts)]
        for context in opened:
            context.push("x")
            context.no_more_inputs()
        for context in opened:
            for event in context.receive():
                if event.type == "chunk":
                    heard.take(event.audio or b"", event.step_time)
        print(json.dumps(heard.report()), flush=True)


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


CLIENTS = {
    "ours": ours,
    "official_async": official_async,
    "official_sync": official_sync,
    "websockets": websockets,
    "trio_websocket": trio_websocket,
    "picows": picows,
    "picows_least": picows_least,
    "picows_raw": picows_raw,
    "raw_socket": raw_socket,
}

if __name__ == "__main__":
    if (core := os.environ.get("BENCHMARK_CORE")) and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    _, client, where, how_many = sys.argv
    CLIENTS[client](where, int(how_many), Heard(is_paced="BENCHMARK_PACED" in os.environ))

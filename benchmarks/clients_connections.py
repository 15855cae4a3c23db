"""Clients with many connections: ``clients_connections.py NAME URL CONTEXTS CONNECTIONS``.

As clients.py, but that the contexts are spread over so many connections of one process. Each
connection is opened before the first context is, and what the process has grown by until all
contexts wait for their first event is reported, too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients import KEY, SETTINGS, Heard
from clients_below import PATH, opening
from processors import stay_on_core


class Crowd:
    """What all connections heard, and what they weigh."""

    def __init__(self, contexts: int, connections: int) -> None:
        self.heard = Heard(is_paced=False)
        self.names = [f"context-{number}" for number in range(contexts // connections)]
        self.connections, self._began = connections, 0
        self.connected_bytes = 0

    def begin(self) -> None:
        """Note what the process holds before it connects."""
        gc.collect()
        self._began = memory_bytes()

    def all_are_connected(self) -> None:
        """Note what it has grown by."""
        gc.collect()
        self.connected_bytes = memory_bytes() - self._began

    def report(self) -> None:
        """Print the measure."""
        print(json.dumps(self.heard.report() | {"connected_bytes": self.connected_bytes}))


def memory_bytes() -> int:
    """Return how much of the machine's memory this process holds; 0 where nobody tells."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def ours(url: str, crowd: Crowd) -> None:
    """Use this package, by its public names."""
    from contextlib import AsyncExitStack

    import trio

    from trio_cartesia import Cartesia, Connection

    async def listen(connection: Connection, name: str) -> None:
        async with connection.context(context_id=name, **SETTINGS) as context:
            await context.push("x")
            await context.no_more_inputs()
            async for event in context.receive():
                if event.type == "chunk":
                    crowd.heard.take(event.audio, event.step_time)

    async def main() -> None:
        async with Cartesia(KEY, websocket_base_url=url) as client, AsyncExitStack() as stack:
            async with client.tts.websocket_connect():  # imports what the first connection needs
                pass
            crowd.begin()
            connect = client.tts.websocket_connect
            connections = [
                await stack.enter_async_context(connect()) for _ in range(crowd.connections)
            ]
            crowd.all_are_connected()
            async with trio.open_nursery() as nursery:
                for connection in connections:
                    for name in crowd.names:
                        nursery.start_soon(listen, connection, name)
            crowd.report()

    trio.run(main)


def official_async(url: str, crowd: Crowd) -> None:
    """Use the official asynchronous client."""
    from contextlib import AsyncExitStack

    from cartesia import AsyncCartesia

    async def listen(connection: Any, name: str) -> None:
        context = connection.context(name, **SETTINGS)
        await context.push("x")
        await context.no_more_inputs()
        async for event in context.receive():
            if event.type == "chunk":
                crowd.heard.take(event.audio, event.step_time)

    async def main() -> None:
        client = AsyncCartesia(api_key=KEY, websocket_base_url=url)
        async with AsyncExitStack() as stack:
            async with client.tts.websocket_connect():
                pass
            crowd.begin()
            connect = client.tts.websocket_connect
            connections = [
                await stack.enter_async_context(connect()) for _ in range(crowd.connections)
            ]
            crowd.all_are_connected()
            await asyncio.gather(
                *(listen(connection, name) for connection in connections for name in crowd.names)
            )
            crowd.report()

    asyncio.run(main())


def picows(url: str, crowd: Crowd) -> None:
    """Use Cython below asyncio, with our decoders, and a Queue a context."""
    import orjson
    import pybase64
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    class Listener(WSListener):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inboxes = {name: asyncio.Queue[Any]() for name in crowd.names}

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002
            event = orjson.loads(frame.get_payload_as_memoryview())
            if event["type"] == "chunk":
                event["audio"] = pybase64.b64decode(event["data"], validate=True)
            self.inboxes[event["context_id"]].put_nowait(event)

    async def listen(inbox: asyncio.Queue[Any]) -> None:
        while (event := await inbox.get())["type"] == "chunk":
            crowd.heard.take(event["audio"], event["step_time"])

    async def main() -> None:
        (await ws_connect(WSListener, url + PATH))[0].disconnect()
        crowd.begin()
        found = [await ws_connect(Listener, url + PATH) for _ in range(crowd.connections)]
        crowd.all_are_connected()
        for transport, listener in found:
            for name in listener.inboxes:
                transport.send(WSMsgType.TEXT, opening(name).encode())
        inboxes = [inbox for _, listener in found for inbox in listener.inboxes.values()]
        await asyncio.gather(*map(listen, inboxes))
        crowd.report()
        for transport, _ in found:
            transport.disconnect()

    asyncio.run(main())


CLIENTS: dict[str, Callable[[str, Crowd], None]] = {
    "ours": ours,
    "official_async": official_async,
    "picows": picows,
}

if __name__ == "__main__":
    stay_on_core()
    _, client, where, contexts, connections, *_ = sys.argv
    CLIENTS[client](where, Crowd(int(contexts), int(connections)))

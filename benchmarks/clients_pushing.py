"""Clients that push small pieces of text: ``clients_pushing.py NAME URL CONTEXTS CONNECTIONS
PUSHES``.

A task a context pushes its part of so many tokens, one after the other, as soon as it may, and ends
the text. What is written to the socket is counted where the event loop does that.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from clients import KEY, SETTINGS, names, queued_seconds
from clients_below import PATH
from processors import stay_on_core
from speech_load import TOKEN


class Pushed:
    """What was pushed, and what that cost."""

    def __init__(self, contexts: int, pushes: int) -> None:
        self.names, self.each = names(contexts), pushes // contexts
        self.writes = 0
        self._began = self._cpu = self._queued = 0.0

    def begin(self) -> None:
        """Begin the measure."""
        self.writes, self._queued = 0, queued_seconds()
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def report(self) -> None:
        """Print the measure."""
        pushes = self.each * len(self.names)
        found = {
            "frames": pushes,
            "bytes": 0,
            "seconds": time.perf_counter() - self._began,
            "queued_seconds": queued_seconds() - self._queued,
            "cpu_seconds": time.process_time() - self._cpu,
            "writes_per_input": self.writes / (pushes + len(self.names)),
        }
        print(json.dumps(found), flush=True)


def counted(pushed: Pushed, write: Callable[..., Any]) -> Callable[..., Any]:
    """Return what counts the calls of a method, and makes them."""

    def count(*args: Any, **more: Any) -> Any:
        pushed.writes += 1
        return write(*args, **more)

    return count


def ours(url: str, pushed: Pushed) -> None:
    """Use this package, by its public names."""
    import trio

    from trio_cartesia import Cartesia, Connection

    async def push(connection: Connection, name: str) -> None:
        async with connection.context(context_id=name, **SETTINGS) as context:
            for _ in range(pushed.each):
                await context.push(TOKEN)
            await context.no_more_inputs()

    async def main() -> None:
        trio.SocketStream.send_all = counted(pushed, trio.SocketStream.send_all)  # type: ignore[method-assign]
        async with (
            Cartesia(KEY, websocket_base_url=url) as client,
            client.tts.websocket_connect() as connection,
        ):
            pushed.begin()
            async with trio.open_nursery() as nursery:
                for name in pushed.names:
                    nursery.start_soon(push, connection, name)
            pushed.report()

    trio.run(main)


def count_asyncio(pushed: Pushed) -> None:
    """Count what asyncio writes to sockets."""
    from asyncio.selector_events import _SelectorSocketTransport as Transport

    Transport.write = counted(pushed, Transport.write)  # type: ignore[method-assign]


def official_async(url: str, pushed: Pushed) -> None:
    """Use the official asynchronous client."""
    from cartesia import AsyncCartesia

    async def push(connection: Any, name: str) -> None:
        context = connection.context(name, **SETTINGS)
        for _ in range(pushed.each):
            await context.push(TOKEN)
        await context.no_more_inputs()

    async def main() -> None:
        count_asyncio(pushed)
        client = AsyncCartesia(api_key=KEY, websocket_base_url=url)
        async with client.tts.websocket_connect() as connection:
            pushed.begin()
            await asyncio.gather(*(push(connection, name) for name in pushed.names))
            pushed.report()

    asyncio.run(main())


def websockets(url: str, pushed: Pushed) -> None:
    """Use the library that the official client stands on."""
    from websockets.asyncio.client import connect

    async def push(connection: Any, name: str) -> None:
        told = {**SETTINGS, "context_id": name, "transcript": TOKEN, "continue": True}
        for _ in range(pushed.each):
            await connection.send(json.dumps(told))
        await connection.send(json.dumps(told | {"transcript": "", "continue": False}))

    async def main() -> None:
        count_asyncio(pushed)
        async with connect(url + PATH) as connection:
            pushed.begin()
            await asyncio.gather(*(push(connection, name) for name in pushed.names))
            pushed.report()

    asyncio.run(main())


CLIENTS: dict[str, Callable[[str, Pushed], None]] = {
    "ours": ours,
    "official_async": official_async,
    "websockets": websockets,
}

if __name__ == "__main__":
    stay_on_core()
    _, client, where, contexts, _, pushes = sys.argv
    CLIENTS[client](where, Pushed(int(contexts), int(pushes)))

"""The clients that are compared, each in a process of its own: ``clients.py NAME URL CONTEXTS``.

Each does the same: names its contexts, hands every event to a task a context (the official
synchronous client excepted), and there decodes the audio and counts it. The measure begins with the
first chunk and ends with the last event. It is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processors import stay_on_core

SETTINGS: dict[str, Any] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}
KEY = "sk_car_benchmark"


def queued_seconds() -> float:
    """Return how long this process could have run, but had no processor."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def peak_bytes() -> int:
    """Return the most memory that this process has held; not that of the one that started it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


Run = Callable[[str, int, "Heard"], None]


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
            "peak_bytes": peak_bytes(),
            "delays": self.delays,
        }


def run(clients: dict[str, Run]) -> None:
    """Run the client that the command line names."""
    stay_on_core()
    _, client, where, how_many, *_ = sys.argv
    clients[client](where, int(how_many), Heard(is_paced="BENCHMARK_PACED" in os.environ))


def names(contexts: int) -> list[str]:
    """Return the contexts' names."""
    return [f"context-{number}" for number in range(contexts)]


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


if __name__ == "__main__":
    run({"ours": ours, "official_async": official_async, "official_sync": official_sync})

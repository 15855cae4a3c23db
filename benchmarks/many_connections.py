"""Do 500 connections with 2 contexts each finish, and what do they do to the service's loop?

Run it with the extra `local` installed: ``python benchmarks/many_connections.py``. The service has
a process of its own and the clients have another, over TCP on loopback; on a machine with more
processors, ``taskset -c 0,1`` leaves it two. The voice is eSpeak NG, as fast as it can be.
"""

from __future__ import annotations

import argparse
import statistics
import time

import trio
from service_process import open_service

from trio_cartesia import Cartesia, Connection, ContextOptions

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps. Nobody minds. "


class Crowd:
    """What the clients saw."""

    def __init__(self) -> None:
        self.firsts: list[float] = []
        self.seconds_of_audio = 0.0
        self.sizes: set[int] = set()

    async def speak(self, connection: Connection) -> None:
        """Speak a text, and hear all of it."""
        began, size = time.perf_counter(), 0
        async with connection.speak(TEXT, **SETTINGS) as context:
            async for audio in context.audio():
                if not size:
                    self.firsts.append(time.perf_counter() - began)
                size += len(audio)
        self.sizes.add(size)
        self.seconds_of_audio += size / 48000

    async def connect(self, client: Cartesia, contexts: int, ready: trio.Event) -> None:
        """Speak so many texts at once on one connection, once all are connected."""
        async with client.tts.websocket_connect() as connection:
            self.connected += 1
            await ready.wait()
            async with trio.open_nursery() as nursery:
                for _ in range(contexts):
                    nursery.start_soon(self.speak, connection)

    connected = 0


async def main(connections: int, contexts: int) -> None:
    """Measure, and print the figures."""
    crowd, ready = Crowd(), trio.Event()
    async with open_service() as service, Cartesia(base_url=service.url) as client:
        async with client.tts.websocket_connect() as connection:
            await Crowd().speak(connection)  # starts the library
        await service.report()
        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(connections):
                nursery.start_soon(crowd.connect, client, contexts, ready)
            while crowd.connected < connections:  # noqa: ASYNC110  # they count, and tell nobody
                await trio.sleep(0.01)
            connected = time.perf_counter()
            reports = {"connecting": await service.report()}
            ready.set()
        finished = time.perf_counter()
        reports["speaking"] = await service.report()
    assert len(crowd.firsts) == connections * contexts
    assert max(crowd.sizes) < 1.01 * min(crowd.sizes), crowd.sizes  # eSpeak NG varies by frames
    print(f"{connections} connections: {connected - began:.2f} s")
    print(f"{connections * contexts} contexts: {finished - connected:.2f} s,", end=" ")
    print(f"{crowd.seconds_of_audio:.0f} s of audio")
    first = sorted(crowd.firsts)
    print(f"first audio: {statistics.median(first):.2f} s median, {first[-1]:.2f} s worst")
    print("\n| the service, while | " + " | ".join(reports["speaking"]) + " |")
    print("|---|" + "---:|" * len(reports["speaking"]))
    for name, report in reports.items():
        print(f"| {name} | " + " | ".join(f"{value:,.1f}" for value in report.values()) + " |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--contexts", type=int, default=2)
    arguments = parser.parse_args()
    trio.run(main, arguments.connections, arguments.contexts)

"""Does the service's memory stay flat over 10,000 contexts?

Run it with the extra `local` installed: ``python benchmarks/long_life.py``. The service has a
process of its own. What it holds on purpose is the journal, which is bounded by records and by
bytes; the first contexts fill it, and are not measured.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import trio
from many_connections import SETTINGS
from service_process import Service, memory_bytes, open_service

from trio_cartesia import Cartesia

TEXT = "This is number {}."
CONNECTIONS = 8


async def speak(client: Cartesia, numbers: range) -> None:
    """Speak one context for each number, one after another, each over one connection of many."""
    for start in range(0, len(numbers), 100):
        async with client.tts.websocket_connect() as connection:
            for number in numbers[start : start + 100]:
                async with connection.speak(TEXT.format(number), **SETTINGS) as context:
                    async for _ in context.audio():
                        pass


async def speak_many(client: Cartesia, contexts: int) -> float:
    """Speak so many contexts, and return the seconds that it took."""
    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for number in range(CONNECTIONS):
            nursery.start_soon(speak, client, range(number, contexts, CONNECTIONS))
    return time.perf_counter() - began


def children_bytes(pid: int) -> int:
    """Return what the processes hold that a process started: eSpeak NG's."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(memory_bytes(child) for child in children)


async def look(service: Service, when: str) -> None:
    """Print a row of the table."""
    report = await service.report()
    sizes = (report["memory_bytes"], children_bytes(service.process.pid), report["journal_bytes"])
    print(f"| {when} | " + " | ".join(f"{size / 2**20:.1f}" for size in sizes) + " |", flush=True)


async def main(warm_up: int, contexts: int) -> None:
    """Measure, and print the table."""
    async with open_service() as service, Cartesia(base_url=service.url) as client:
        print("| MiB | service | eSpeak NG | of it journal |\n|---|---:|---:|---:|")
        await look(service, "at the start")
        await speak_many(client, warm_up)
        await look(service, f"after {warm_up} contexts")
        seconds = 0.0
        for quarter in range(1, 5):
            seconds += await speak_many(client, contexts // 4)
            await look(service, f"and {quarter * contexts // 4} more")
        print(f"\n{contexts / seconds:.0f} contexts a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm-up", type=int, default=6000)
    parser.add_argument("--contexts", type=int, default=10_000)
    arguments = parser.parse_args()
    trio.run(main, arguments.warm_up, arguments.contexts)

"""
What does a context cost to open and to leave, does that grow, and what does an idle one hold?

``python benchmarks/contexts.py``. The peer is a stream in memory that shakes hands, swallows what
is sent and says nothing, so that all of the time and memory is the client's.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import trio
import trio.testing
from memory_peer import open_silence
from rounds import write_json

from trio_cartesia import Cartesia, Connection, ContextOptions

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 24000},
}
MOST_US = 60  # of opening and leaving a context
MOST_BYTES = 4096  # of an idle context
MOST_GROWTH = 1.15  # of the last batch, compared to the first


async def open_and_leave(connection: Connection) -> None:
    """Open a context, and leave it."""
    async with connection.context(**SETTINGS):
        pass


async def push_and_leave(connection: Connection) -> None:
    """Open a context, say something, and leave it before its end: which cancels it."""
    async with connection.context(**SETTINGS) as context:
        await context.push("Hello. ")


async def push_and_cancel(connection: Connection) -> None:
    """Open a context, say something, cancel it, and hear its end."""
    async with connection.context(**SETTINGS) as context:
        await context.push("Hello. ")
        context.cancel()
        async for _ in context.receive():
            pass


Case = Callable[[Connection], Awaitable[None]]
CASES: dict[str, Case] = {
    "open, leave": open_and_leave,
    "open, push, leave": push_and_leave,
    "open, push, cancel, leave": push_and_cancel,
}


async def time_case(connection: Connection, case: Case, batches: int, size: int) -> list[float]:
    """Return the processor's time for one run of *case*, in microseconds, of each batch."""
    await case(connection)
    found = []
    for _ in range(batches):
        gc.collect()
        began = time.process_time()
        for _ in range(size):
            await case(connection)
        found.append(1e6 * (time.process_time() - began) / size)
    return found


async def weigh(connection: Connection, count: int) -> float:
    """Return the bytes that one idle context holds, of so many."""
    async with connection.context(**SETTINGS):
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        blocks = []  # an AsyncExitStack would weigh something itself
        for _ in range(count):
            blocks.append(block := connection.context(**SETTINGS))
            await block.__aenter__()
        gc.collect()
        weight = (tracemalloc.get_traced_memory()[0] - before) / count
        for block in blocks:
            await block.__aexit__(None, None, None)
        return weight


async def weigh_connections(client: Cartesia, count: int) -> float:
    """Return the bytes that one idle connection holds, of so many."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(client.tts.websocket_connect())
        await trio.testing.wait_all_tasks_blocked()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / count


async def left_behind(connection: Connection, count: int) -> float:
    """Return the bytes that remain of each of so many contexts that were pushed to and left."""
    for _ in range(count // 4):
        await push_and_leave(connection)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        await push_and_leave(connection)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / count


async def main(batches: int, size: int, json_path: str | None) -> None:
    """Measure, and print the tables."""
    results: dict[str, Any] = {}
    client = Cartesia("k", base_url="http://localhost", open_stream=open_silence)
    print("| µs a context | first batch | median | last batch |\n|---|---:|---:|---:|")
    for name, case in CASES.items():
        async with client, client.tts.websocket_connect() as connection:
            times = await time_case(connection, case, batches, size)
            results[name] = times
            print(f"| {name} | {times[0]:.1f} | {statistics.median(times):.1f} | {times[-1]:.1f} |")
    tracemalloc.start()
    async with client, client.tts.websocket_connect() as connection:
        results["idle_context_bytes"] = await weigh(connection, 1000)
        results["left_behind_bytes"] = await left_behind(connection, 4000)
    results["connection_bytes"] = await weigh_connections(client, 50)
    for name in ("idle_context_bytes", "left_behind_bytes", "connection_bytes"):
        print(f"\n{name}: {results[name]:,.0f}")
    opening = results["open, leave"]
    # a quarter of the batches at either end: single ones are at the mercy of the machine
    part = max(1, batches // 4)
    growth = statistics.median(opening[-part:]) / statistics.median(opening[:part])
    results["growth"] = growth
    print()
    for said, is_met in (
        (f"opening and leaving: {statistics.median(opening):.1f} µs, at most {MOST_US}",
         statistics.median(opening) <= MOST_US),
        (f"after {batches * size} contexts: {growth:.2f} x, at most {MOST_GROWTH}",
         growth <= MOST_GROWTH),
        (f"idle: {results['idle_context_bytes']:.0f} bytes, at most {MOST_BYTES}",
         results["idle_context_bytes"] <= MOST_BYTES),
    ):  # fmt: skip
        print(f"{'met' if is_met else 'MISSED'}: {said}")
    write_json(json_path, results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--json")
    given = parser.parse_args()
    trio.run(main, given.batches, given.size, given.json)

"""What does a context cost to open and to leave, does that grow, and what does an idle one hold?

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

import trio
import trio.testing
from memory_peer import open_silence
from results import Row, full, keep, middle, only, row, table, verdict
from rounds import begin, options

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
OPENING = "open, leave"
OTHERS = (0, 10, 100, 1000)  # contexts that are open meanwhile
CASES: dict[str, Case] = {
    OPENING: open_and_leave,
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


async def measure_times(batches: int, size: int) -> dict[str, float]:
    """Return the figures of one round."""
    times: dict[str, float] = {}
    client = Cartesia("k", base_url="http://localhost", open_stream=open_silence)
    for name, case in CASES.items():
        async with client, client.tts.websocket_connect() as connection:
            found = await time_case(connection, case, batches, size)
            part = max(1, batches // 4)  # single batches are at the mercy of the machine
            first, last = statistics.median(found[:part]), statistics.median(found[-part:])
            times |= {f"{name}: us": statistics.median(found), f"{name}: growth": last / first}
    for others in OTHERS:
        async with client, client.tts.websocket_connect() as connection, AsyncExitStack() as stack:
            for _ in range(others):
                await stack.enter_async_context(connection.context(**SETTINGS))
            found = await time_case(connection, open_and_leave, 3, size)
            times[f"others {others}: us"] = statistics.median(found)
    return times


async def measure_memory() -> dict[str, float]:
    """Return the bytes that are held; they are the same each time."""
    client = Cartesia("k", base_url="http://localhost", open_stream=open_silence)
    memory: dict[str, float] = {}
    tracemalloc.start()
    async with client, client.tts.websocket_connect() as connection:
        memory["idle context"] = await weigh(connection, 1000)
        memory["what a context leaves behind"] = await left_behind(connection, 2000)
    memory["idle connection"] = await weigh_connections(client, 50)
    tracemalloc.stop()
    return memory


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure in rounds; return a row a case."""
    times = [trio.run(measure_times, given.batches, given.size) for _ in range(given.rounds)]
    rows = []
    for name in CASES:
        measures = [{f: each[f"{name}: {f}"] for f in ("us", "growth")} for each in times]
        rows.append(row(measures, case=name))
    for others in OTHERS:
        measures = [{"us": each[f"others {others}: us"]} for each in times]
        rows.append(row(measures, case=OPENING, others=others))
    memory = trio.run(measure_memory)
    rows += [row([{"bytes": weight}], case=name) for name, weight in memory.items()]
    return rows


def report(rows: list[Row]) -> str:
    """Write the tables."""
    case = {"first": lambda row: str(row["case"])}
    timed = [row for row in rows if "growth" in row]
    beside = [row for row in rows if "others" in row]
    weighed = [row for row in rows if "bytes" in row]
    columns = {"CPU µs": full("us"), "last quarter to first": full("growth")}
    others = {"CPU µs": full("us")}
    parts = [
        table(timed, "a context, after each other", case["first"], columns),
        table(beside, "open, leave, beside so many", lambda row: f"{row['others']:,}", others),
        table(weighed, "memory", case["first"], {"bytes": only("bytes")}),
    ]
    return "\n\n".join([*parts, "\n".join(verdicts(rows))])


def verdicts(rows: list[Row]) -> list[str]:
    """Say which of the targets were met."""
    opening = next(row for row in rows if row["case"] == OPENING and "growth" in row)
    weight = middle(next(row for row in rows if row["case"] == "idle context"), "bytes")
    cost, by = middle(opening, "us"), middle(opening, "growth")
    return [
        verdict(f"opening and leaving: {cost:.1f} µs; at most {MOST_US}", is_met=cost <= MOST_US),
        verdict(f"growth: {by:.2f} times; at most {MOST_GROWTH}", is_met=by <= MOST_GROWTH),
        verdict(f"idle: {weight:.0f} bytes; at most {MOST_BYTES}", is_met=weight <= MOST_BYTES),
    ]


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--batches", type=int, default=12)
    parser.add_argument("--size", type=int, default=1000)
    given = begin(parser, in_process=True)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

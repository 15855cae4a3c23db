"""
What does a context cost to open and to leave, does that grow, and how much memory does one hold?

``python benchmarks/contexts.py``. The peer is a stream in memory that accepts the handshake and
discards input, so that all of the time and memory is the client's.
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
from harness.clients.tasks import SETTINGS
from harness.memory_peer import open_silence
from harness.results import Row, middle, pick, row, rows_of
from harness.rounds import Option, ask
from harness.tables import at_most, full, label, only, sections, table, text

from trio_cartesia import Cartesia, Connection

MOST_US = 60  # to open and leave a context
MOST_BYTES = 4096  # of an idle context
MOST_GROWTH = 1.15  # of the last quarter of the batches, compared to the first


async def open_and_leave(connection: Connection) -> None:
    """Open a context, and leave it."""
    async with connection.context(**SETTINGS):
        pass


async def push_and_leave(connection: Connection) -> None:
    """Open a context, push, and leave it before its end, which cancels it."""
    async with connection.context(**SETTINGS) as context:
        await context.push("Hello. ")


async def push_and_cancel(connection: Connection) -> None:
    """Open a context, push, cancel it, and receive its end."""
    async with connection.context(**SETTINGS) as context:
        await context.push("Hello. ")
        context.cancel()
        async for _ in context.receive():
            pass


Case = Callable[[Connection], Awaitable[None]]
OPENING = "open, leave"
OTHERS = (10, 100, 1000)  # contexts that are open meanwhile
CASES: dict[str, Case] = {
    OPENING: open_and_leave,
    "open, push, leave": push_and_leave,
    "open, push, cancel, leave": push_and_cancel,
}


async def time_case(connection: Connection, case: Case, batches: int, size: int) -> list[float]:
    """Return the CPU time of one run of *case*, in microseconds, for each batch."""
    await case(connection)
    found = []
    for _ in range(batches):
        gc.collect()
        began = time.process_time()
        for _ in range(size):
            await case(connection)
        found.append(1e6 * (time.process_time() - began) / size)
    return found


async def context_bytes(connection: Connection, count: int) -> float:
    """Return the bytes that an idle context holds, on average over *count*."""
    async with connection.context(**SETTINGS):  # the first imports and caches
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        blocks = []  # an AsyncExitStack would take memory itself
        for _ in range(count):
            blocks.append(block := connection.context(**SETTINGS))
            await block.__aenter__()
        gc.collect()
        size = (tracemalloc.get_traced_memory()[0] - before) / count
        for block in blocks:
            await block.__aexit__(None, None, None)
        return size


async def connection_bytes(client: Cartesia, count: int) -> float:
    """Return the bytes that an idle connection holds, on average over *count*."""
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(client.tts.websocket_connect())
        await trio.testing.wait_all_tasks_blocked()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / count


async def bytes_left(connection: Connection, count: int) -> float:
    """Return the bytes that stay of a context that was left, on average over *count*."""
    for _ in range(count // 4):
        await push_and_leave(connection)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        await push_and_leave(connection)
    gc.collect()
    return (tracemalloc.get_traced_memory()[0] - before) / count


async def measure_times(batches: int, size: int) -> dict[tuple[str, int], dict[str, float]]:
    """Return the figures of one round, by case and number of other contexts."""
    times: dict[tuple[str, int], dict[str, float]] = {}
    client = Cartesia("k", base_url="http://localhost", open_stream=open_silence)
    for name, case in CASES.items():
        async with client, client.tts.websocket_connect() as connection:
            found = await time_case(connection, case, batches, size)
            part = max(1, batches // 4)  # single batches are noisy
            first, last = statistics.median(found[:part]), statistics.median(found[-part:])
            times[name, 0] = {"us": statistics.median(found), "growth": last / first}
    for others in OTHERS:
        async with client, client.tts.websocket_connect() as connection, AsyncExitStack() as stack:
            for _ in range(others):
                await stack.enter_async_context(connection.context(**SETTINGS))
            found = await time_case(connection, open_and_leave, 3, size)
            times[OPENING, others] = {"us": statistics.median(found)}
    return times


async def measure_memory() -> dict[str, float]:
    """Return the bytes that are held; they do not vary."""
    client = Cartesia("k", base_url="http://localhost", open_stream=open_silence)
    memory: dict[str, float] = {}
    tracemalloc.start()
    async with client, client.tts.websocket_connect() as connection:
        memory["idle context"] = await context_bytes(connection, 1000)
        memory["left by a context that is over"] = await bytes_left(connection, 2000)
    memory["idle connection"] = await connection_bytes(client, 50)
    tracemalloc.stop()
    return memory


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure times in rounds, and memory once."""
    rounds = [trio.run(measure_times, given.batches, given.size) for _ in range(given.rounds)]
    rows = rows_of(
        (
            ({"case": name, "others": others}, [each[name, others] for each in rounds])
            for name, others in rounds[0]
        ),
        "us",
    )
    memory = trio.run(measure_memory)
    return rows + [row([{"bytes": size}], case=name) for name, size in memory.items()]


def report(rows: list[Row]) -> str:
    """Format the tables."""
    columns = {"CPU µs": full("us"), "last quarter to first": full("growth")}
    others = [row for row in rows if row.get("others")]
    memory = [row for row in rows if "bytes" in row]
    beside = {"CPU µs": full("us")}
    return sections([
        table(pick(rows, others=0), "contexts, one after another", text("case"), columns),
        table(others, "open, leave, with so many open", lambda row: label(row["others"]), beside),
        table(memory, "memory", text("case"), {"bytes": only("bytes")}),
        "\n".join(goals(rows)),
    ])  # fmt: skip


def goals(rows: list[Row]) -> list[str]:
    """Compare with the goals."""
    (opening,) = pick(rows, case=OPENING, others=0)
    (idle,) = pick(rows, case="idle context")
    return [
        at_most("opening and leaving", middle(opening, "us"), MOST_US, " µs"),
        at_most("growth", middle(opening, "growth"), MOST_GROWTH),
        at_most("an idle context", middle(idle, "bytes"), MOST_BYTES, " bytes"),
    ]


OPTIONS = (Option("--batches", 12, brief=4), Option("--size", 1000, brief=200))

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS, rounds=5, in_process=True)

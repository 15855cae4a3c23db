"""What does it cost to leave a context in mid stream, and does that grow with contexts?

``python benchmarks/cancelling.py``: 1 to 1,000 contexts of one connection have each received some
audio and wait for more. One of them is left by ``break``, or its scope is cancelled, or
``cancel()`` is called: how long until its block has ended, and until the peer receives the cancel?
Then all of them are cancelled at once: what does each cost? The peer is a stream in memory, so that
all of the time is the client's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import trio
import trio.testing
from harness.clients.tasks import SETTINGS
from harness.growth import fit, words
from harness.memory_peer import PolitePeer
from harness.messages import chunk, done
from harness.results import Measure, Row, kinds, middle, pick, quantile, rows_of
from harness.rounds import Option, ask
from harness.tables import full, label, sections, table

from trio_cartesia import Cartesia, Connection

WAYS = ("break", "scope", "cancel()")
AUDIO = "AAAA" * 640  # 20 ms at 48 kHz


class Listener(PolitePeer):
    """A peer that records when it received something."""

    received_at = 0.0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Record the time."""
        self.received_at = time.perf_counter()
        await super().send_all(data)


class Task:
    """A task in the middle of a context, and when its block has ended."""

    def __init__(self, name: str, peer: Listener) -> None:
        self.name, self.peer = name, peer
        self.scope = trio.CancelScope()
        self.began = self.ended = 0.0
        self.is_listening, self.has_ended = trio.Event(), trio.Event()

    async def listen(self, connection: Connection, way: str) -> None:
        """Receive a chunk, and leave at the next one, or when `leave` cancels."""
        with self.scope:
            async with connection.context(context_id=self.name, **SETTINGS) as context:
                self.cancel = context.cancel
                await context.push("Hello. ")
                self.peer.send(chunk(self.name, AUDIO))
                async for _ in context.receive():
                    if self.is_listening.is_set() and way == "break":
                        self.began = time.perf_counter()
                        break
                    self.is_listening.set()
        self.ended = time.perf_counter()
        self.has_ended.set()

    def leave(self, way: str) -> None:
        """End the block."""
        self.began = time.perf_counter()
        if way == "break":
            self.peer.send(chunk(self.name, AUDIO))
        elif way == "scope":
            self.scope.cancel()
        else:
            self.cancel()


@asynccontextmanager
async def open_connection() -> AsyncIterator[tuple[Connection, Listener, trio.Nursery]]:
    """Connect to a peer in memory, with a nursery for the tasks."""
    peer = Listener()

    async def open_peer(host: str, port: int) -> Listener:  # noqa: ARG001  # the signature is given
        await trio.lowlevel.checkpoint()
        return peer

    client = Cartesia("k", base_url="http://localhost", open_stream=open_peer)
    async with (
        client,
        client.tts.websocket_connect() as connection,
        trio.open_nursery() as nursery,
    ):
        yield connection, peer, nursery
        nursery.cancel_scope.cancel()


async def leave_one(contexts: int, way: str, times: int) -> Measure:
    """End one of so many, again and again; return how long that took."""
    ends, receipts = [], []
    async with open_connection() as (connection, peer, nursery):
        for number in range(contexts - 1):
            other = Task(f"other-{number}", peer)
            nursery.start_soon(other.listen, connection, "never")
            await other.is_listening.wait()
        for number in range(times):
            task = Task(f"task-{number}", peer)
            nursery.start_soon(task.listen, connection, way)
            await task.is_listening.wait()
            await trio.testing.wait_all_tasks_blocked()
            task.leave(way)
            await task.has_ended.wait()
            await trio.testing.wait_all_tasks_blocked()
            ends.append(task.ended - task.began)
            receipts.append(peer.received_at - task.began)
            peer.send(done(task.name))  # or the client would keep its tombstone
    return quantiles("end", ends) | quantiles("receipt", receipts)


def quantiles(name: str, seconds: list[float]) -> Measure:
    """Return the median and the p99, in microseconds."""
    found = sorted(seconds)
    return {
        f"{name}_p50_us": 1e6 * quantile(found, 0.5),
        f"{name}_p99_us": 1e6 * quantile(found, 0.99),
    }


async def leave_all(contexts: int, way: str, times: int) -> Measure:
    """End all of so many at once, until *times* have ended; return what each cost."""
    cpu, left = 0.0, 0
    async with open_connection() as (connection, peer, nursery):
        while left < max(times, contexts):
            tasks = [Task(f"task-{left + number}", peer) for number in range(contexts)]
            for task in tasks:
                nursery.start_soon(task.listen, connection, way)
                await task.is_listening.wait()
            await trio.testing.wait_all_tasks_blocked()
            began = time.process_time()
            for task in tasks:
                task.leave(way)
            for task in tasks:
                await task.has_ended.wait()
            await trio.testing.wait_all_tasks_blocked()
            cpu, left = cpu + time.process_time() - began, left + contexts
            for task in tasks:
                peer.send(done(task.name))
            await trio.testing.wait_all_tasks_blocked()
    return {"cpu_us": 1e6 * cpu / left}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each way with each number of contexts."""
    found: dict[tuple[int, str], list[Measure]] = {
        case: [] for case in product(given.contexts, WAYS)
    }
    for number in range(given.rounds + 1):  # the first warms up
        for contexts, way in found:
            measured = trio.run(leave_one, contexts, way, given.times)
            measured |= trio.run(leave_all, contexts, way, given.times)
            if number:
                found[contexts, way].append(measured)
    cases = (({"contexts": case[0], "way": case[1]}, each) for case, each in found.items())
    return rows_of(cases, "cpu_us")


def report(rows: list[Row]) -> str:
    """Format the table, and the curves."""
    columns = {
        "by": lambda row: f"`{row['way']}`" if row["way"] != "scope" else "its scope",
        "end, p50 µs": full("end_p50_us"),
        "end, p99 µs": full("end_p99_us"),
        "peer receives it, p50 µs": full("receipt_p50_us"),
        "p99 µs": full("receipt_p99_us"),
        "CPU µs each, all at once": full("cpu_us"),
    }
    lines = []
    for way in kinds(rows, "way"):
        for field, name in {"receipt_p50_us": "receipt, p50 µs", "cpu_us": "CPU µs"}.items():
            points = [(row["contexts"], middle(row, field)) for row in pick(rows, way=way)]
            if len(points) > 2:
                lines.append(f"- {way}, {name}: {words(fit(points))}")
    curves = ["With *n* contexts:", "\n".join(lines)] if lines else []
    return sections([table(rows, "contexts", lambda row: label(row["contexts"]), columns), *curves])


OPTIONS = (Option("--contexts", [1, 10, 100, 1000]), Option("--times", 200, brief=50))

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS, rounds=5, in_process=True)

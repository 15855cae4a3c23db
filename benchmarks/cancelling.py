"""What does it cost to leave a context in mid stream, and does that grow with contexts?

``python benchmarks/cancelling.py``: 1 to 1,000 contexts of one connection have each heard some
audio and wait for more. One of them is left by ``break``, or its scope is cancelled, or
``cancel()`` is called: how long until its block has ended, and until the peer has heard of it? Then
all that are there are cancelled at once: what does each cost? The peer is a stream in memory, so
that all of the time is the client's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product

import trio
import trio.testing
from contexts import SETTINGS
from growth import fit, words
from memory_peer import PolitePeer
from results import Row, full, keep, kinds, middle, pick, row, table
from rounds import begin, options, whole_numbers
from speech_load import chunk, done

from trio_cartesia import Cartesia, Connection

CONTEXTS = [1, 10, 100, 1000]
WAYS = ("break", "scope", "cancel()")
AUDIO = "AAAA" * 640  # 20 ms at 48 kHz


class Listener(PolitePeer):
    """A peer that notes when it was sent something."""

    received_at = 0.0
    writes = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Note the time, and swallow."""
        self.received_at, self.writes = time.perf_counter(), self.writes + 1
        await super().send_all(data)


class Victim:
    """A context in mid stream, and when its block has ended."""

    def __init__(self, name: str, peer: Listener) -> None:
        self.name, self.peer = name, peer
        self.scope = trio.CancelScope()
        self.began = self.ended = 0.0
        self.is_listening, self.has_ended = trio.Event(), trio.Event()

    async def listen(self, connection: Connection, way: str) -> None:
        """Hear a chunk, and leave at the next, or when told to."""
        with self.scope:
            async with connection.context(context_id=self.name, **SETTINGS) as context:
                self.cancel = context.cancel
                await context.push("Hello. ")
                self.peer.send(chunk(self.name, AUDIO, b"12.25"))
                async for _ in context.receive():
                    if self.is_listening.is_set() and way == "break":
                        self.began = time.perf_counter()
                        break
                    self.is_listening.set()
        self.ended = time.perf_counter()
        self.has_ended.set()

    def leave(self, way: str) -> None:
        """Make it leave."""
        self.began = time.perf_counter()
        if way == "break":
            self.peer.send(chunk(self.name, AUDIO, b"12.25"))
        elif way == "scope":
            self.scope.cancel()
        else:
            self.cancel()


@asynccontextmanager
async def open_crowd() -> AsyncIterator[tuple[Connection, Listener, trio.Nursery]]:
    """Connect to a peer in memory, with a nursery for those who listen."""
    peer = Listener()

    async def open_peer(host: str, port: int) -> Listener:  # noqa: ARG001
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


async def leave_one(contexts: int, way: str, times: int) -> dict[str, float]:
    """Let one of so many leave, again and again; return how long its end took."""
    ends, hears = [], []
    async with open_crowd() as (connection, peer, nursery):
        for number in range(contexts - 1):
            bystander = Victim(f"bystander-{number}", peer)
            nursery.start_soon(bystander.listen, connection, "never")
            await bystander.is_listening.wait()
        for number in range(times):
            victim = Victim(f"victim-{number}", peer)
            nursery.start_soon(victim.listen, connection, way)
            await victim.is_listening.wait()
            await trio.testing.wait_all_tasks_blocked()
            victim.leave(way)
            await victim.has_ended.wait()
            await trio.testing.wait_all_tasks_blocked()
            ends.append(victim.ended - victim.began)
            hears.append(peer.received_at - victim.began)
            peer.send(done(victim.name))  # or the client would wait for it
    return quantiles("end", ends) | quantiles("heard", hears)


def quantiles(name: str, seconds: list[float]) -> dict[str, float]:
    """Return the median and the p99, in microseconds."""
    found = sorted(seconds)
    return {
        f"{name}_p50_us": 1e6 * found[len(found) // 2],
        f"{name}_p99_us": 1e6 * found[int(0.99 * (len(found) - 1))],
    }


async def leave_all(contexts: int, way: str, times: int) -> dict[str, float]:
    """Let all of so many leave at once, until so many have; return what each cost."""
    cpu, left = 0.0, 0
    async with open_crowd() as (connection, peer, nursery):
        while left < max(times, contexts):
            victims = [Victim(f"victim-{left + number}", peer) for number in range(contexts)]
            for victim in victims:
                nursery.start_soon(victim.listen, connection, way)
                await victim.is_listening.wait()
            await trio.testing.wait_all_tasks_blocked()
            began = time.process_time()
            for victim in victims:
                victim.leave(way)
            for victim in victims:
                await victim.has_ended.wait()
            await trio.testing.wait_all_tasks_blocked()
            cpu, left = cpu + time.process_time() - began, left + contexts
            for victim in victims:
                peer.send(done(victim.name))
            await trio.testing.wait_all_tasks_blocked()
    return {"cpu_us": 1e6 * cpu / left}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each way with each number of contexts."""
    cases = [*product(given.contexts, WAYS)]
    found: dict[tuple[int, str], list[dict[str, float]]] = {case: [] for case in cases}
    for number in range(given.rounds + 1):  # the first warms up
        for contexts, way in cases:
            measured = trio.run(leave_one, contexts, way, given.times)
            measured |= trio.run(leave_all, contexts, way, given.times)
            if number:
                found[contexts, way].append(measured)
    return [row(found[case], contexts=case[0], way=case[1]) for case in cases]


def report(rows: list[Row]) -> str:
    """Write the table, and how it grows."""
    columns = {
        "by": lambda row: f"`{row['way']}`" if row["way"] != "scope" else "its scope",
        "end, p50 µs": full("end_p50_us"),
        "end, p99 µs": full("end_p99_us"),
        "peer hears, p50 µs": full("heard_p50_us"),
        "peer hears, p99 µs": full("heard_p99_us"),
        "CPU µs each, all at once": full("cpu_us"),
    }
    parts = [table(rows, "contexts", lambda row: f"{row['contexts']:,}", columns)]
    lines = []
    for way in kinds(rows, "way"):
        for field, name in {"heard_p50_us": "peer hears, p50 µs", "cpu_us": "CPU µs each"}.items():
            points = [(row["contexts"], middle(row, field)) for row in pick(rows, way=way)]
            if len(points) > 2:
                lines.append(f"- {way}, {name}: {words(fit(points))}")
    return "\n\n".join([*parts, "With *n* contexts:", "\n".join(lines)] if lines else parts)


def main() -> None:
    """Measure, and print the table."""
    parser = options(__doc__)
    parser.add_argument("--contexts", type=whole_numbers, default=CONTEXTS)
    parser.add_argument("--times", type=int, default=200)
    given = begin(parser, in_process=True)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

"""How does the local service bear load: lag of its loop, connections, thousands of contexts?

``python benchmarks/service_load.py`` answers three questions; ``--part`` chooses one.

* ``lag``: what the service costs a loop that it shares with a client, and how soon it speaks and
  stops.
* ``connections``: whether 500 connections with 2 contexts each finish, all at once.
* ``contexts``: whether the memory of the service and of a client stays flat over 10,000 contexts,
  of which a third is received whole, a third left after the first audio, and a third cancelled.

In the last two the service has a process of its own. The voice is eSpeak NG, as fast as it can be,
where the extra ``local`` is installed.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import trio
from harness.clients.tasks import SETTINGS
from harness.measure import resident_bytes
from harness.peers import Peer, open_service
from harness.results import Measure, Row, pick, quantile, row
from harness.rounds import Option, ask, measure_parts
from harness.tables import full, label, only, sections, table, text

from trio_cartesia import Cartesia, Connection
from trio_cartesia.server import Behaviour, Server, open_server

SENTENCE: Final = "The quick brown fox jumps over the lazy dog, and then it sleeps. "
TEN_MINUTES: Final = SENTENCE * 170
HALF_A_MEGABYTE: Final = SENTENCE * (500_000 // len(SENTENCE))  # a message may have 1 MiB
TICK_SECONDS: Final = 0.001
BYTES_A_SECOND: Final = 48_000
WAYS: Final = ("whole", "left", "cancelled")


async def speak(connection: Connection, text: str, way: str = "whole") -> tuple[float, int]:
    """Speak a text; return the seconds to its first audio, and the bytes received."""
    began, first, size = time.perf_counter(), 0.0, 0
    async with connection.speak(text, **SETTINGS) as context:
        async for audio in context.audio():
            first = first or time.perf_counter() - began
            size += len(audio)
            if way == "cancelled":
                context.cancel()
            elif way == "left":
                break
    return first, size


async def _tick(lags: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await trio.sleep(TICK_SECONDS)
        lags.append(time.perf_counter() - before - TICK_SECONDS)


async def lag_during(work: Callable[[], Awaitable[object]]) -> list[float]:
    """Return by how much short sleeps were late while *work* ran."""
    lags: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_tick, lags)
        await work()
        nursery.cancel_scope.cancel()
    return lags


async def at_once(connection: Connection, contexts: int) -> None:
    """Speak with so many contexts at once."""
    async with trio.open_nursery() as nursery:
        for _ in range(contexts):
            nursery.start_soon(speak, connection, SENTENCE * 3)


async def long_text(connection: Connection) -> None:
    """Push a megabyte of text, and receive the first audio."""
    async with connection.context(**SETTINGS) as context:
        await context.push(HALF_A_MEGABYTE)
        await context.push(HALF_A_MEGABYTE)
        await anext(context.audio())


async def stop(connection: Connection, server: Server) -> tuple[float, float]:
    """Leave a long text; return the seconds to its end, and the seconds of audio made."""
    async with connection.speak(TEN_MINUTES, **SETTINGS) as context:
        await anext(context.audio())
        began, name = time.perf_counter(), context.context_id
    while connection.statistics().contexts_draining:  # noqa: ASYNC110  # nothing signals it
        await trio.sleep(TICK_SECONDS)
    taken = time.perf_counter() - began
    return taken, server.journal.context(name).audio_bytes / BYTES_A_SECOND


def _milliseconds(values: list[float]) -> Measure:
    ordered = [1000 * value for value in sorted(values)]
    return {
        "p50_ms": quantile(ordered, 0.5),
        "p99_ms": quantile(ordered, 0.99),
        "worst_ms": ordered[-1],
    }


async def measure_lag(given: argparse.Namespace) -> list[Row]:
    """Measure with the service and the client in this process."""
    found: dict[str, list[Measure]] = {}
    made = []
    async with (
        open_server(voice=given.voice, behaviour=Behaviour(times_real_time=float("inf"))) as server,
        Cartesia(base_url=server.url) as client,
        client.tts.websocket_connect() as connection,
    ):
        await speak(connection, SENTENCE)  # starts the library
        for _ in range(given.rounds):
            values = {
                "lag, 16 contexts at once": await lag_during(lambda: at_once(connection, 16)),
                "lag, 1 MB of text at once": await lag_during(lambda: long_text(connection)),
                "first audio, a sentence": [
                    (await speak(connection, SENTENCE, "left"))[0] for _ in range(5)
                ],
                "first audio, ten minutes of text": [
                    (await speak(connection, TEN_MINUTES, "left"))[0] for _ in range(5)
                ],
            }
            seconds, audio = await stop(connection, server)
            made.append({"seconds": audio})
            values["end of ten minutes that are left"] = [seconds]
            for name, each in values.items():
                found.setdefault(name, []).append(_milliseconds(each))
    rows = [row(measures, part="lag", what=name) for name, measures in found.items()]
    return [*rows, row(made, part="made")]


class Crowd:
    """Connections that all wait for the last one to open, and then speak two texts each."""

    def __init__(self, size: int) -> None:
        self.size, self.opened, self.all_open = size, 0, trio.Event()
        self.firsts: list[float] = []
        self.sizes: list[int] = []

    async def connect(self, client: Cartesia) -> None:
        """Open a connection, wait for the others, and speak."""
        async with client.tts.websocket_connect() as connection:
            self.opened += 1
            if self.opened == self.size:
                self.all_open.set()
            await self.all_open.wait()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.speak, connection)
                nursery.start_soon(self.speak, connection)

    async def speak(self, connection: Connection) -> None:
        """Speak a text."""
        first, size = await speak(connection, SENTENCE)
        self.firsts.append(first)
        self.sizes.append(size)


async def measure_connections(given: argparse.Namespace) -> list[Row]:
    """Measure many connections, which open at once and then speak at once."""
    crowd, first = Crowd(given.connections), Crowd(1)
    with open_service(given.voice) as service:
        async with Cartesia(websocket_base_url=service.url) as client:
            await first.connect(client)  # starts the library
            await _report(service)
            began = time.perf_counter()
            async with trio.open_nursery() as nursery:
                for _ in range(given.connections):
                    nursery.start_soon(crowd.connect, client)
                await crowd.all_open.wait()
                opened = time.perf_counter()
            spoken = time.perf_counter()
            report = await _report(service)
    sizes = crowd.sizes
    assert max(sizes) < 1.01 * min(sizes), (min(sizes), max(sizes))  # eSpeak NG varies by frames
    times = {
        "open_seconds": opened - began,
        "speak_seconds": spoken - opened,
        "audio_seconds": sum(sizes) / BYTES_A_SECOND,
    }
    measure = times | _milliseconds(crowd.firsts) | report
    return [row([measure], part="connections", connections=given.connections)]


async def measure_contexts(given: argparse.Namespace) -> list[Row]:
    """Measure memory over thousands of contexts; the first fill the journal, which is bounded."""
    rows = []
    with open_service(given.voice) as service:
        async with Cartesia(websocket_base_url=service.url) as client:
            for step in range(5):
                began = time.process_time()
                count = given.contexts // 4 if step else given.warm_up
                async with trio.open_nursery() as nursery:
                    for first in range(8):
                        nursery.start_soon(_speak_many, client, range(first, count, 8))
                measure = {"cpu_us": 1e6 * (time.process_time() - began) / count}
                measure |= _held() | await _report(service)
                measure["voice_bytes"] = _children_bytes(service.process.pid)
                rows.append(row([measure], part="contexts", after=step * given.contexts // 4))
    return rows


async def _speak_many(client: Cartesia, numbers: range) -> None:
    for start in range(0, len(numbers), 100):
        async with client.tts.websocket_connect() as connection:
            for number in numbers[start : start + 100]:
                await speak(connection, f"This is number {number}.", WAYS[number % len(WAYS)])


async def _report(service: Peer) -> Measure:
    service.send("")
    return await trio.to_thread.run_sync(service.receive)


def _held() -> Measure:
    gc.collect()
    return {"client_objects": len(gc.get_objects()), "client_bytes": resident_bytes()}


def _children_bytes(pid: int) -> int:
    """Return the memory of a process's children: those of eSpeak NG."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    return sum(resident_bytes(child) for child in children)


PARTS: Final = {
    "lag": measure_lag,
    "connections": measure_connections,
    "contexts": measure_contexts,
}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure the parts."""
    return measure_parts(given, PARTS)


def report(rows: list[Row]) -> str:
    """Format a table a part."""
    milliseconds = {"p50": full("p50_ms"), "p99": full("p99_ms"), "worst": full("worst_ms")}
    service = {"lag p99, ms": only("lag_p99_ms"), "longest step, CPU ms": only("step_worst_cpu_ms")}
    connections = {
        "opened in, s": only("open_seconds"),
        "all spoken in, s": only("speak_seconds"),
        "audio, s": only("audio_seconds"),
        "first audio p50, ms": only("p50_ms"),
        "worst, ms": only("worst_ms"),
    }
    memory = {
        "client, CPU µs a context": only("cpu_us"),
        "client, objects": only("client_objects"),
        "client, MiB": only("client_bytes", 2**-20),
        "service, MiB": only("memory_bytes", 2**-20),
        "of it journal": only("journal_bytes", 2**-20),
        "eSpeak NG, MiB": only("voice_bytes", 2**-20),
    }
    lag, many, contexts = (pick(rows, part=part) for part in PARTS)
    made = [
        f"Audio made of the text that is left: {only('seconds')(each)} s."
        for each in pick(rows, part="made")
    ]
    return sections([
        table(lag, "ms", text("what"), milliseconds) if lag else "",
        *made,
        table(many, "connections", text("connections"), connections | service) if many else "",
        table(contexts, "contexts", lambda row: label(row["after"]), memory) if contexts else "",
    ])  # fmt: skip


OPTIONS: Final = (
    Option("--part", "all", choices=("all", *PARTS)),
    Option("--voice", "espeak", choices=("espeak", "tones")),
    Option("--connections", 500, brief=50),
    Option("--warm-up", 6000, brief=100, help="contexts that fill the journal; default: 6000"),
    Option("--contexts", 10_000, brief=400, help="after those; default: 10000"),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS, rounds=5)

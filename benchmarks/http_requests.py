"""What does a request over HTTP cost, beside the official client, and how soon is its first byte?

``python benchmarks/http_requests.py``: a sentence of speech as raw audio, and the whole list of
voices in pages of 100. The service has a process of its own and speaks in tones, each client one
for each turn; the connection is kept between requests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from harness.clients.tasks import SETTINGS
from harness.processors import cores, stay_on_core
from harness.results import OURS, Measure, Row, kinds, middle, pick, rows_of
from harness.rounds import Option, ask
from harness.tables import at_most, full, only, sections, table, text

SPEECH: Final = {**SETTINGS, "transcript": "The quick brown fox jumps over the lazy dog."}
KINDS: Final = {"speech": "a sentence of speech", "voices": "the list of voices"}
MOST: Final = 0.5  # of an official client's CPU time
SERVICE: Final = [sys.executable, "-m", "trio_cartesia", "serve", "--port", "0", "--voice", "tones"]

Request = Callable[[Any, str], Awaitable[float]]


async def request_ours(client: Any, kind: str) -> float:
    """Send a request, receive all of it, and return the seconds to the first of it."""
    started, first = time.perf_counter(), 0.0
    if kind == "speech":
        async with client.tts.generate(**SPEECH) as response:
            async for _ in response:
                first = first or time.perf_counter() - started
    else:
        async for _ in client.voices.list(limit=100):
            first = first or time.perf_counter() - started
    return first


async def request_official(client: Any, kind: str) -> float:
    """Send a request with the official asynchronous client, likewise."""
    started, first = time.perf_counter(), 0.0
    if kind == "speech":
        async with client.tts.with_streaming_response.generate(**SPEECH) as response:
            async for _ in response.iter_bytes():
                first = first or time.perf_counter() - started
    else:
        async for _ in client.voices.list(limit=100):
            first = first or time.perf_counter() - started
    return first


def request_official_sync(client: Any, kind: str) -> float:
    """Send a request with the official synchronous client, likewise."""
    started, first = time.perf_counter(), 0.0
    if kind == "speech":
        with client.tts.with_streaming_response.generate(**SPEECH) as response:
            for _ in response.iter_bytes():
                first = first or time.perf_counter() - started
    else:
        for _ in client.voices.list(limit=100):
            first = first or time.perf_counter() - started
    return first


async def take_turn(client: Any, request: Request, kind: str, count: int) -> Measure:
    """Send *count* requests after one that is not counted, and return what they took."""
    await request(client, kind)
    started = time.process_time()
    firsts = [await request(client, kind) for _ in range(count)]
    taken = time.process_time() - started
    return {"cpu_us": 1e6 * taken / count, "first_ms": 1000 * statistics.median(firsts)}


async def turn_of_ours(url: str, kind: str, count: int) -> Measure:
    """Measure this package."""
    import trio_cartesia

    async with trio_cartesia.Cartesia("k", base_url=url) as client:
        return await take_turn(client, request_ours, kind, count)


async def turn_of_official(url: str, kind: str, count: int) -> Measure:
    """Measure the official asynchronous client."""
    import cartesia

    async with cartesia.AsyncCartesia(api_key="k", base_url=url) as client:
        return await take_turn(client, request_official, kind, count)


async def turn_of_official_sync(url: str, kind: str, count: int) -> Measure:
    """Measure the official synchronous client; awaiting what does not wait costs nothing."""
    import cartesia

    async def request(client: Any, kind: str) -> float:  # noqa: ASYNC124  # as the others
        return request_official_sync(client, kind)

    with cartesia.Cartesia(api_key="k", base_url=url) as client:
        return await take_turn(client, request, kind, count)


TURNS: Final[dict[str, Callable[[str, str, int], Measure]]] = {
    OURS: lambda *load: trio.run(turn_of_ours, *load),
    "official async": lambda *load: asyncio.run(turn_of_official(*load)),
    "official sync": lambda *load: asyncio.run(turn_of_official_sync(*load)),
}


def measured(client: str, url: str, kind: str, count: int) -> Measure:
    """Let a client take its turn in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--turn", client, url, kind, str(count)]
    environment = os.environ | {"BENCHMARK_CORE": cores()[1]}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)  # noqa: S603  # our own command
    found: Measure = json.loads(done.stdout)
    return found


def measure(given: argparse.Namespace) -> list[Row]:
    """Let each client take its turn with each kind of request in each round."""
    cases = [(kind, client) for kind in KINDS for client in TURNS]
    found: dict[tuple[str, str], list[Measure]] = {case: [] for case in cases}
    serving = subprocess.Popen(  # noqa: S603  # our own command
        SERVICE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with serving as service:
        assert service.stdout is not None
        url = service.stdout.readline().strip()
        for _ in range(given.rounds):
            for kind, client in cases:
                found[kind, client].append(measured(client, url, kind, given.requests))
            print(".", end="", file=sys.stderr, flush=True)
        service.terminate()
    print(file=sys.stderr)
    for (kind, _), theirs in found.items():
        for mine, each in zip(found[kind, OURS], theirs, strict=True):
            each["cpu_ratio"] = mine["cpu_us"] / each["cpu_us"]
            each["first_ratio"] = mine["first_ms"] / each["first_ms"]
    rows = []
    for kind in KINDS:
        group = [({"request": kind, "client": each}, found[kind, each]) for each in TURNS]
        rows += rows_of(group, "cpu_us")
    return rows


def report(rows: list[Row]) -> str:
    """Format a table for each kind of request."""
    columns = {
        "CPU ms/request": full("cpu_us", 1e-3),
        "ours / theirs": only("cpu_ratio"),
        "first byte, ms": full("first_ms"),
        "ours / theirs, first byte": only("first_ratio"),
    }
    parts = []
    for kind in kinds(rows, "request"):
        parts.append(f"**{KINDS[kind]}**")
        found = pick(rows, request=kind)
        parts.append(table(found, "client", text("client"), columns))
        parts.append(
            "\n".join(
                at_most(f"CPU a request, ours to {row['client']}", middle(row, "cpu_ratio"), MOST)
                for row in found
                if row["client"] != OURS
            )
        )
    return sections(parts)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--turn"]:
        name, where, what, number = sys.argv[2:]
        stay_on_core()
        print(json.dumps(TURNS[name](where, what, int(number))))
    else:
        ask(__doc__, measure, report, [Option("--requests", 100, brief=20)])

"""How long is it from the push of a text to its first audio, over the local service?

``python benchmarks/first_audio.py``: 1, 16 and 64 contexts of one connection push a short sentence
at the same time, and hear all of it. The service has a process of its own, on another processor,
and speaks as fast as it can: in tones, which cost next to nothing, so that what remains is the way
there and back; and with eSpeak NG, where the extra ``local`` is installed. The official client asks
the same service, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from typing import Any

import trio
from results import OURS, Row, full, keep, kinds, only, percent, pick, row, summary, table
from rounds import begin, options, whole_numbers
from service_process import Service, open_session

from trio_cartesia import Cartesia, Connection, ContextOptions

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}
KEY = "sk_car_benchmark"
TEXT = "Hello there. "
CONTEXTS = [1, 16, 64]
Waits = list[float]


def ours(url: str, contexts: int, bouts: int) -> Waits:
    """Use this package; return the seconds that each context has waited, bout after bout."""
    found: Waits = []

    async def say(connection: Connection) -> None:
        async with connection.context(**SETTINGS) as context:
            began, is_first = time.perf_counter(), True
            await context.push(TEXT)
            await context.no_more_inputs()
            async for event in context.receive():
                if event.type == "chunk" and is_first:
                    found.append(time.perf_counter() - began)
                    is_first = False

    async def main() -> None:
        async with (
            Cartesia(KEY, base_url=url) as client,
            client.tts.websocket_connect() as connection,
        ):
            await say(connection)
            found.clear()
            for _ in range(bouts):
                async with trio.open_nursery() as nursery:
                    for _ in range(contexts):
                        nursery.start_soon(say, connection)

    trio.run(main)
    return found


def official_async(url: str, contexts: int, bouts: int) -> Waits:
    """Use the official asynchronous client."""
    from cartesia import AsyncCartesia

    found: Waits = []

    async def say(connection: Any, name: str) -> None:
        context = connection.context(name, **SETTINGS)
        began, is_first = time.perf_counter(), True
        await context.push(TEXT)
        await context.no_more_inputs()
        async for event in context.receive():
            if event.type == "chunk" and is_first:
                found.append(time.perf_counter() - began)
                is_first = False

    async def main() -> None:
        address = url.replace("http", "ws", 1)
        client = AsyncCartesia(api_key=KEY, websocket_base_url=address)
        async with client.tts.websocket_connect() as connection:
            await say(connection, "first")
            found.clear()
            for bout in range(bouts):
                await asyncio.gather(*(say(connection, f"{bout}-{n}") for n in range(contexts)))

    asyncio.run(main())
    return found


CLIENTS: dict[str, Callable[[str, int, int], Waits]] = {
    OURS: ours,
    "official async": official_async,
}


def measure_once(
    client: Callable[[str, int, int], Waits], url: str, contexts: int, texts: int
) -> dict[str, float]:
    """Return the figures of one turn: what all contexts waited, and the client's processor."""
    cpu, began = time.process_time(), time.perf_counter()
    waits = sorted(client(url, contexts, max(2, texts // contexts)))
    busy = (time.process_time() - cpu) / (time.perf_counter() - began)
    return {
        "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[int(0.99 * (len(waits) - 1))],
        "client_busy": busy,
    }


async def measure_voice(given: argparse.Namespace, voice: str, names: list[str]) -> list[Row]:
    """Measure each client with each number of contexts, against a service with this voice."""
    cases = [*product(given.contexts, names)]
    found: dict[tuple[int, str], list[dict[str, float]]] = {case: [] for case in cases}
    async with open_session(voice) as service:
        for number in range(given.rounds + 1):  # the first starts the library, and is not counted
            for contexts, name in cases:
                once = CLIENTS[name], service.url, contexts, given.texts
                measured = await trio.to_thread.run_sync(measure_once, *once)
                if number:
                    found[contexts, name].append(measured)
        lag = await lags(service)
    return [
        row(measures, client=name, contexts=contexts, voice=voice) | lag
        for (contexts, name), measures in found.items()
    ]


async def lags(service: Service) -> dict[str, Any]:
    """Return how late the service's own loop was."""
    report = await service.report()
    return {"service_lag_p99_ms": summary([report["lag_p99_ms"]])}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure with each voice that is there."""
    rows = []
    for voice, needs in {"tones": None, "espeak": "espeakng-loader"}.items():
        if is_installed(needs):
            names = [name for name in CLIENTS if name == OURS or is_installed("cartesia")]
            rows += trio.run(measure_voice, given, voice, names)
    return rows


def is_installed(package: str | None) -> bool:
    """Return whether a package is there."""
    try:
        return package is None or bool(version(package))
    except PackageNotFoundError:
        return False


def report(rows: list[Row]) -> str:
    """Write a table for each voice."""
    columns = {
        "client": lambda row: str(row["client"]),
        "p50 ms": full("p50_ms"),
        "p99 ms": full("p99_ms"),
        "client busy": percent("client_busy"),
    }
    parts = []
    for voice in kinds(rows, "voice"):
        found = pick(rows, voice=voice)
        late = only("service_lag_p99_ms")(found[0])
        parts.append(f"**{voice}** (the service's loop was late by {late} ms at p99)")
        parts.append(table(found, "contexts at once", lambda row: str(row["contexts"]), columns))
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--contexts", type=whole_numbers, default=CONTEXTS)
    parser.add_argument("--texts", type=int, default=128, help="for each client, in each round")
    given = begin(parser, in_process=True)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

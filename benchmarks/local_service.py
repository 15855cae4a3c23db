"""What the local service costs the loop it shares with a client, and how soon it speaks and stops.

Run it with the extra `local` installed: ``python benchmarks/local_service.py``. The client and the
service share one process and one loop, so every figure includes both.
"""

from __future__ import annotations

import argparse
import statistics
import time

import trio

from trio_cartesia import Cartesia, Connection, ContextOptions
from trio_cartesia.server import Behaviour, Server, open_server

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 44100},
}
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps. "
TEN_MINUTES = SENTENCE * 170
MEGABYTE = (SENTENCE * (1_000_000 // len(SENTENCE) + 1))[:1_000_000]
PIECE = 500_000  # characters; a message may have 1 MiB
TICK_SECONDS = 0.001


async def tick(lags: list[float]) -> None:
    """Note how late the loop comes back from each short sleep."""
    while True:
        before = time.perf_counter()
        await trio.sleep(TICK_SECONDS)
        lags.append(time.perf_counter() - before - TICK_SECONDS)


async def say(connection: Connection, text: str) -> None:
    """Speak a text to nobody."""
    async with connection.speak(text, **SETTINGS) as context:
        async for _ in context.audio():
            pass


async def loop_lag(connection: Connection, contexts: int) -> list[float]:
    """Return the lags while so many contexts speak at once."""
    lags: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick, lags)
        async with trio.open_nursery() as speakers:
            for _ in range(contexts):
                speakers.start_soon(say, connection, SENTENCE * 3)
        nursery.cancel_scope.cancel()
    return lags


async def say_a_megabyte(connection: Connection) -> None:
    """Push a text as fast as the connection takes it, and hear how it begins."""
    async with connection.context(**SETTINGS) as context:
        for start in range(0, len(MEGABYTE), PIECE):
            await context.push(MEGABYTE[start : start + PIECE])
        await anext(context.audio())


async def long_text_lag(connection: Connection) -> list[float]:
    """Return the lags while a text of a megabyte arrives."""
    lags: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick, lags)
        await say_a_megabyte(connection)
        nursery.cancel_scope.cancel()
    return lags


async def first_audio(connection: Connection, text: str) -> float:
    """Return the seconds from opening a context to its first audio."""
    started = time.perf_counter()
    async with connection.speak(text, **SETTINGS) as context:
        await anext(context.audio())
        return time.perf_counter() - started


async def stopped(connection: Connection, server: Server) -> tuple[float, float]:
    """Return the seconds until a cancelled long text has ended, and what was made of it."""
    async with connection.speak(TEN_MINUTES, **SETTINGS) as context:
        await anext(context.audio())
        started = time.perf_counter()
        name = context.context_id
    while connection.statistics().contexts_draining:  # noqa: ASYNC110  # nobody tells of it
        await trio.sleep(TICK_SECONDS)
    seconds = time.perf_counter() - started
    return seconds, server.journal.context(name).audio_bytes / (2 * 44100)


def row(name: str, seconds: list[float]) -> str:
    """Write a row of the table, in milliseconds."""
    cuts = sorted(seconds)
    figures = (statistics.median(cuts), cuts[int(len(cuts) * 0.99)], cuts[-1])
    return f"| {name} | " + " | ".join(f"{1000 * figure:.1f}" for figure in figures) + " |"


async def main(runs: int) -> None:
    """Measure, and print the table."""
    fast = Behaviour(times_real_time=float("inf"))
    async with (
        open_server(voice="espeak", behaviour=fast) as server,
        Cartesia(base_url=server.url) as client,
        client.tts.websocket_connect() as connection,
    ):
        await first_audio(connection, SENTENCE)  # starts the library
        print("| ms | median | p99 | worst |\n|---|---:|---:|---:|")
        lags = [lag for _ in range(runs) for lag in await loop_lag(connection, 16)]
        print(row("loop lag, 16 contexts at once", lags))
        lags = [lag for _ in range(runs) for lag in await long_text_lag(connection)]
        print(row("loop lag, 1 MB of text at once", lags))
        short = [await first_audio(connection, SENTENCE) for _ in range(runs * 5)]
        print(row("first audio of a sentence", short))
        long = [await first_audio(connection, TEN_MINUTES) for _ in range(runs * 5)]
        print(row("first audio of a long text", long))
        ends = [await stopped(connection, server) for _ in range(runs)]
        print(row("end of a cancelled long text", [seconds for seconds, _ in ends]))
        print(f"\naudio made of it: {max(made for _, made in ends):.1f} s at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    trio.run(main, parser.parse_args().runs)

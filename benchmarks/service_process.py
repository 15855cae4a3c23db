"""The local service in a process of its own, which tells how it fared. The benchmarks start it.

It prints its URL and serves until its standard input ends. For each line that comes there it prints
a line of JSON: how long the loop was held up at worst since the last one, and its memory.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from processors import stay_on_core

from trio_cartesia.server import Behaviour, open_server

TICK_SECONDS = 0.001
FAST = Behaviour(times_real_time=float("inf"))


class Collections:
    """How long Python's garbage collector took at worst, of processor time; it runs inside of
    steps.
    """

    def __init__(self) -> None:
        self._began = self.longest = 0.0
        gc.callbacks.append(self._look)

    def _look(self, phase: str, info: dict[str, int]) -> None:  # noqa: ARG002
        now = time.thread_time()
        if phase == "start":
            self._began = now
        else:
            self.longest = max(self.longest, now - self._began)


class Steps(trio.abc.Instrument):
    """How long each step of a task held the loop up; and of that, how long the machine was busy.

    What a step waited for a processor is the business of the machine, and of whoever shares it.
    """

    def __init__(self) -> None:
        place = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._file = place.open("rb", 0) if place.exists() else None
        self._began: tuple[float, float, float] | None = None
        self.longest = self.longest_wall = self.longest_cpu = 0.0

    def _queued(self) -> float:
        if self._file is None:
            return 0.0
        self._file.seek(0)
        return int(self._file.read(100).split()[1]) / 1e9

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Look at the clock."""
        self._began = time.perf_counter(), self._queued(), time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Look again."""
        if self._began is not None:
            wall = time.perf_counter() - self._began[0]
            self.longest_wall = max(self.longest_wall, wall)
            self.longest = max(self.longest, wall - (self._queued() - self._began[1]))
            self.longest_cpu = max(self.longest_cpu, time.thread_time() - self._began[2])


async def tick(lags: Counter[int]) -> None:
    """Count how late the loop comes back from each short sleep, in tenths of milliseconds."""
    while True:
        before = time.perf_counter()
        await trio.sleep(TICK_SECONDS)
        lags[round(10_000 * (time.perf_counter() - before - TICK_SECONDS))] += 1


def memory_bytes(pid: int | str = "self") -> int:
    """Return how much of the machine's memory a process holds."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def serve(voice: str) -> None:
    """Serve until standard input ends; then tell."""
    lags: Counter[int] = Counter()
    async with (
        open_server(voice=voice, behaviour=FAST) as server,
        trio.open_nursery() as nursery,
    ):
        gc.collect()
        gc.freeze()  # as trio-cartesia serve does
        print(server.url, flush=True)
        steps, collections = Steps(), Collections()
        trio.lowlevel.add_instrument(steps)
        nursery.start_soon(tick, lags)
        while await trio.to_thread.run_sync(sys.stdin.readline):
            found = report(lags, steps, server.journal.statistics().held_bytes)
            found["collection_worst_ms"] = 1000 * collections.longest
            print(json.dumps(found), flush=True)
            lags.clear()
            steps.longest = steps.longest_wall = steps.longest_cpu = collections.longest = 0.0
        nursery.cancel_scope.cancel()


def quantile(lags: Counter[int], part: float) -> float:
    """Return the lag that a part of all lags does not exceed, in milliseconds."""
    seen = 0
    for lag in sorted(lags):
        seen += lags[lag]
        if seen >= part * lags.total():
            return lag / 10
    return 0.0


def report(lags: Counter[int], steps: Steps, held_bytes: int) -> dict[str, float]:
    """Return the figures since the last report."""
    return {
        "lag_median_ms": quantile(lags, 0.5),
        "lag_p99_ms": quantile(lags, 0.99),
        "lag_worst_ms": quantile(lags, 1),
        "step_worst_wall_ms": 1000 * steps.longest_wall,
        "step_worst_ms": 1000 * steps.longest,
        "step_worst_cpu_ms": 1000 * steps.longest_cpu,
        "memory_bytes": memory_bytes(),
        "journal_bytes": held_bytes,
    }


class Service:
    """The other process."""

    def __init__(self, url: str, process: trio.Process) -> None:
        self.url, self.process = url, process

    async def report(self) -> dict[str, Any]:
        """Return the figures since the last report."""
        await self.process.stdin.send_all(b"\n")  # type: ignore[union-attr]
        return json.loads(await _line(self.process))


async def _line(process: trio.Process) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive_some()  # type: ignore[union-attr]
    return line


@asynccontextmanager
async def open_session(voice: str = "espeak") -> AsyncIterator[Service]:
    """Start the service, and stop it at the end of the block."""
    async with trio.open_nursery() as nursery:
        start = partial(
            trio.run_process,
            [sys.executable, __file__, voice],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        process = await nursery.start(start)
        yield Service((await _line(process)).decode().strip(), process)
        await process.stdin.aclose()


if __name__ == "__main__":
    stay_on_core()
    trio.run(serve, sys.argv[1])

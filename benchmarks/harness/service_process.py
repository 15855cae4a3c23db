"""The local service in a process of its own, started by `harness.peers.open_service`.

It prints its URL and serves until its standard input ends. For each line of input it prints a line
of JSON: by how much its loop was late since the last report, its processor time since then, and how
much memory it holds.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import trio

from harness.measure import resident_bytes
from harness.processors import stay_on_core
from trio_cartesia.server import Behaviour, open_server

TICK_SECONDS = 0.001


class Collections:
    """The longest run of Python's garbage collector, in processor time; it runs within steps."""

    def __init__(self) -> None:
        self._began = self.longest = 0.0
        gc.callbacks.append(self._record)

    def _record(self, phase: str, info: dict[str, int]) -> None:  # noqa: ARG002  # the signature is given
        now = time.thread_time()
        if phase == "start":
            self._began = now
        else:
            self.longest = max(self.longest, now - self._began)


class Steps(trio.abc.Instrument):
    """The longest step of a task: by the clock, without waits for a processor, and in CPU time."""

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

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # the signature is given
        """Start the clocks."""
        self._began = time.perf_counter(), self._queued(), time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # the signature is given
        """Stop them."""
        if self._began is not None:
            wall = time.perf_counter() - self._began[0]
            self.longest_wall = max(self.longest_wall, wall)
            self.longest = max(self.longest, wall - (self._queued() - self._began[1]))
            self.longest_cpu = max(self.longest_cpu, time.thread_time() - self._began[2])


async def tick(lags: Counter[int]) -> None:
    """Count by how much each short sleep was late, in tenths of milliseconds."""
    while True:
        before = time.perf_counter()
        await trio.sleep(TICK_SECONDS)
        lags[round(10_000 * (time.perf_counter() - before - TICK_SECONDS))] += 1


async def serve(voice: str, recognizer: str, behaviour: Behaviour) -> None:
    """Serve until standard input ends, and report for each line of it."""
    lags: Counter[int] = Counter()
    async with (
        open_server(voice=voice, recognizer=recognizer, behaviour=behaviour) as server,
        trio.open_nursery() as nursery,
    ):
        gc.collect()
        gc.freeze()  # as trio-cartesia serve does
        print(server.url, flush=True)
        steps, collections = Steps(), Collections()
        trio.lowlevel.add_instrument(steps)
        nursery.start_soon(tick, lags)
        began, cpu = time.perf_counter(), time.process_time()
        while await trio.to_thread.run_sync(sys.stdin.readline):
            found = report(lags, steps, server.journal.statistics().held_bytes)
            found["collection_worst_ms"] = 1000 * collections.longest
            found["seconds"] = time.perf_counter() - began
            found["cpu_seconds"] = time.process_time() - cpu
            print(json.dumps(found), flush=True)
            began, cpu = time.perf_counter(), time.process_time()
            lags.clear()
            steps.longest = steps.longest_wall = steps.longest_cpu = collections.longest = 0.0
        nursery.cancel_scope.cancel()


def quantile(lags: Counter[int], part: float) -> float:
    """Return the lag that this part of all lags does not exceed, in milliseconds."""
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
        "memory_bytes": resident_bytes(),
        "journal_bytes": held_bytes,
    }


if __name__ == "__main__":
    stay_on_core()
    trio.run(serve, *sys.argv[1:3], Behaviour(**json.loads(sys.argv[3])))

"""Measurements of a client process by itself. It imports little, because they include memory."""

from __future__ import annotations

import gc
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

TIMED_PACES = (
    "spread",
    "burst",
    "service",
    "transcripts",
    "conversation",
)  # each chunk's delay is recorded


def queued_seconds() -> float:
    """Return how long this process was ready to run but had no processor."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def peak_bytes() -> int:
    """Return the peak of resident memory; ru_maxrss may be that of the parent process."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process; 0 where the system does not report it."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Measure:
    """Counts what a client delivers, from the first chunk (or `begin`) on, and what that costs.

    Attributes:
        connected_bytes: How much the process grew while its connections were opened.
        delays: Seconds from sending to delivery of each chunk, where the load sends its clock.
    """

    def __init__(self, pace: str) -> None:
        self.frames = self.bytes = 0
        self.delays: list[float] | None = [] if pace in TIMED_PACES else None
        self.connected_bytes = 0
        self._started_bytes = 0
        self._is_running = False
        self._began = self._cpu = self._queued = 0.0

    def start(self) -> None:
        """Record the memory before anything is connected."""
        gc.collect()
        self._started_bytes = resident_bytes()

    def connected(self) -> None:
        """Record how much the open connections take."""
        gc.collect()
        self.connected_bytes = resident_bytes() - self._started_bytes

    def begin(self) -> None:
        """Start the clocks."""
        self.frames, self.bytes, self._is_running = 0, 0, True
        if self.delays is not None:
            self.delays.clear()
        self._queued = queued_seconds()
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def take(self, audio: bytes | str, step_time: float | None) -> None:
        """Count audio or text; *step_time* is when it was sent, on the monotonic clock."""
        if not self._is_running:
            self.begin()
        self.frames += 1
        self.bytes += len(audio)
        if self.delays is not None and step_time is not None:
            self.delays.append(time.perf_counter() - step_time)

    def report(self, **more: float) -> None:
        """Print the measure as a line of JSON."""
        found: dict[str, Any] = {
            "frames": self.frames,
            "bytes": self.bytes,
            "seconds": time.perf_counter() - self._began,
            "queued_seconds": queued_seconds() - self._queued,
            "cpu_seconds": time.process_time() - self._cpu,
            "peak_bytes": peak_bytes(),
            "growth_bytes": peak_bytes() - self._started_bytes,
            "connected_bytes": self.connected_bytes,
            "delays": self.delays,
        }
        print(json.dumps(found | more), flush=True)

"""What does a frame cost in a receive loop without async, beside the official synchronous client?

``python benchmarks/blocking.py``: one thread receives contexts one after another, of 64 contexts
that are interleaved as fast as loopback carries them, and of one that is sent a frame every 5 ms.
It ends with status 1 if the flood costs more than half of the official client's CPU time.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from harness.cases import Case, Load, chosen
from harness.results import Row, kinds, middle, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import at_most, full, only, percent, sections, table, text

OURS: Final = "trio_cartesia.blocking"
THEIRS: Final = "official sync"
MOST: Final = 0.5  # of the official client's CPU time, under a flood


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure both loads."""
    loads = (
        Load(frames=given.frames),
        Load(contexts=1, frames=given.frames // 32, pace="spread", interval_seconds=0.005),
    )
    return compare(
        [
            Case(name=name, client=client, load=load, where={"pace": load.pace})
            for load in loads
            for name, client in chosen(given.client).items()
        ],
        given.rounds,
        ours=OURS,
    )


def report(rows: list[Row]) -> str:
    """Format a table a load, and the goal."""
    columns = {
        "CPU µs/frame": full("cpu_us"),
        "ours / it, CPU": only("cpu_ratio"),
        "peak MB": only("peak_bytes", 1e-6),
        "load busy": percent("load_busy"),
    }
    titles = {
        "flood": ("**64 contexts, 4 KiB a frame, as fast as they are read**", {}),
        "spread": (
            "**One context, 4 KiB every 5 ms**",
            {"p50 µs": full("p50_us"), "p99 µs": full("p99_us")},
        ),
    }
    parts = []
    for pace in kinds(rows, "pace"):
        title, more = titles[pace]
        parts += [title, table(pick(rows, pace=pace), "client", text("client"), columns | more)]
    return sections([*parts, *goals(rows)])


def goals(rows: list[Row]) -> list[str]:
    """Compare with the official client under a flood."""
    return [
        at_most(f"CPU a frame, ours to {THEIRS}", middle(row, "cpu_ratio"), MOST)
        for row in pick(rows, pace="flood", client=THEIRS)
        if "cpu_ratio" in row
    ]


OPTIONS: Final = (
    Option("--frames", 24_000, brief=8_000),
    client_option([OURS, THEIRS]),
)

if __name__ == "__main__":
    found = ask(__doc__, measure, report, OPTIONS)
    sys.exit(any("MISSED" in line for line in goals(found)))

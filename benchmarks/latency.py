"""How soon does a paced frame reach the task of its context, and what does it cost?

``python benchmarks/latency.py``: 64 contexts are sent 20 ms of audio each every 20 ms, either
spread over that time or in a burst. Each frame carries the time at which it was sent, on the
machine's monotonic clock, which the receiving task reads too.
"""

from __future__ import annotations

import argparse
from typing import Final

from harness.cases import Case, Load, chosen
from harness.results import OURS, Row, kinds, middle, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import at_most, full, only, percent, sections, table, text

FRAME_BYTES: Final = 1920  # 20 ms at 48 kHz, 16 bits
MOST_CPU: Final = 0.65  # of the official client's
MOST_P99: Final = 0.5  # of the official client's, in bursts


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure both paces."""
    cases = []
    for pace in ("spread", "burst"):
        frames = int(given.seconds / 0.02) * given.contexts
        load = Load(contexts=given.contexts, bytes=FRAME_BYTES, frames=frames, pace=pace)
        where = {"contexts": given.contexts, "pace": pace}
        for name, client in chosen(given.client).items():
            cases.append(Case(name=name, client=client, load=load, where=where))
    return compare(cases, given.rounds)


def report(rows: list[Row]) -> str:
    """Format a table a pace."""
    columns = {
        "p50 µs": full("p50_us"),
        "p99 µs": full("p99_us"),
        "p99.9 µs": full("p99.9_us"),
        "CPU µs/frame": full("cpu_us"),
        "ours / it, CPU": only("cpu_ratio"),
        "load busy": percent("load_busy"),
    }
    parts = []
    for pace in kinds(rows, "pace"):
        found = pick(rows, pace=pace)
        how = "spread over the 20 ms" if pace == "spread" else "in bursts"
        parts.append(f"**{found[0]['contexts']} contexts, a frame each every 20 ms, {how}**")
        parts.append(table(found, "client", text("client"), columns))
        parts.append("\n".join(goals(pace, found)))
    return sections(parts)


def goals(pace: str, rows: list[Row]) -> list[str]:
    """Compare with the official client."""
    found = {row["client"]: row for row in rows}
    theirs = found.get("official async", {})
    if "cpu_ratio" not in theirs:
        return []
    lines = [at_most("CPU, ours to official async", middle(theirs, "cpu_ratio"), MOST_CPU)]
    if pace == "burst":
        late = middle(found[OURS], "p99_us") / middle(theirs, "p99_us")
        lines.append(at_most("p99, ours to official async", late, MOST_P99))
    return lines


OPTIONS: Final = (
    Option("--contexts", 64),
    Option("--seconds", 4.0, brief=0.5, help="of the stream; default: 4"),
    client_option([OURS, "official async", "official JS", "picows"]),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS)

"""How soon is a frame in the hands of its task, and what does a paced frame cost?

``python benchmarks/latency.py``: 64 contexts are sent a frame of 20 ms each every 20 ms, either
spread over that time or all at once. Each frame has with it when it was sent, on the machine's
monotonic clock, and the task that receives it looks at the same clock.
"""

from __future__ import annotations

import argparse

from results import (
    OURS,
    Row,
    full,
    keep,
    kinds,
    middle,
    number,
    percent,
    pick,
    table,
    verdict,
)
from rounds import CLIENTS, Case, Load, begin, chosen, compare, options, rows_of

DEFAULT = (OURS, "official async", "official JS", "picows")
FRAME_BYTES = 1920  # 20 ms at 48 kHz, 16 bits
MOST_COST = 0.65  # of the official client's, for a paced frame
MOST_P99 = 0.5  # of the official client's, in bursts


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure both paces."""
    cases = []
    for pace in ("spread", "burst"):
        frames = int(given.seconds / 0.02) * given.contexts
        load = Load(contexts=given.contexts, bytes=FRAME_BYTES, frames=frames, pace=pace)
        clients = chosen(given.client or DEFAULT)
        cases += [Case(name, client, load) for name, client in clients.items()]
    return rows_of(compare(cases, given.rounds), "contexts", "pace")


def report(rows: list[Row]) -> str:
    """Write a table for each pace."""
    columns = {
        "p50 µs": full("p50_us"),
        "p99 µs": full("p99_us"),
        "p99.9 µs": full("p99.9_us"),
        "CPU µs/frame": full("cpu_us_per_frame"),
        "load busy": percent("load_busy"),
    }
    parts = []
    for pace in kinds(rows, "pace"):
        found = pick(rows, pace=pace)
        how = "spread over the 20 ms" if pace == "spread" else "all at once"
        parts.append(f"**{found[0]['contexts']} contexts, a frame each every 20 ms, {how}**")
        parts.append(table(found, "client", lambda row: str(row["client"]), columns))
        parts.append("\n".join(verdicts(pace, found)))
    return "\n\n".join(part for part in parts if part)


def verdicts(pace: str, rows: list[Row]) -> list[str]:
    """Say which of the targets were met."""
    found = {row["client"]: row for row in rows}
    theirs = found.get("official async", {})
    if "cpu_ratio" not in theirs:
        return []
    cost = middle(theirs, "cpu_ratio")
    text = f"{number(cost)} times the CPU of official async; at most {MOST_COST}"
    lines = [verdict(text, is_met=cost <= MOST_COST)]
    if pace == "burst":
        late = middle(found[OURS], "p99_us") / middle(theirs, "p99_us")
        text = f"{number(late)} times the p99 of official async; at most {MOST_P99}"
        lines.append(verdict(text, is_met=late <= MOST_P99))
    return lines


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--contexts", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    given = begin(parser)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

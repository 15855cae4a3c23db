"""Does a context whose consumer only counts keep up with a flood?

``python benchmarks/flood.py``: one context, 40,000 frames of 4 KiB over loopback, from a process on
another processor. It ends with status 1 unless every frame arrives: `InboxOverflow` would end the
client. Memory is the peak of the client's process above what it held before it connected.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from harness.cases import Case, Load, chosen
from harness.peers import ClientFailed
from harness.results import OURS, Row
from harness.rounds import Option, ask, client_option, compare
from harness.tables import full, sections, table, text, verdict


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each client; the row of one that fails has no rounds."""
    rows = []
    for name, client in chosen(given.client).items():
        load = Load(contexts=1, bytes=given.bytes, frames=given.frames)
        where = {"frames": given.frames, "bytes": given.bytes}
        try:
            case = Case(name=name, client=client, load=load, where=where)
            rows += compare([case], given.rounds)
        except ClientFailed as error:
            print(f"!! {error}", file=sys.stderr)
            rows.append({"client": name, **where, "rounds": 0, "quiet": 0})
    return rows


def report(rows: list[Row]) -> str:
    """Format the table."""
    columns = {
        "frames": text("frames"),
        "CPU µs/frame": full("cpu_us"),
        "clock µs/frame": full("clock_us"),
        "peak above the start, MB": full("growth_bytes", 1e-6),
        "inbox at its peak, MB": full("inbox_peak_bytes", 1e-6),
    }
    lines = [
        verdict(f"{row['client']}: every frame arrives, in every round", is_met=row["rounds"] > 0)
        for row in rows
    ]
    return sections([table(rows, "client", text("client"), columns), "\n".join(lines)])


OPTIONS: Final = (
    Option("--frames", 40_000),
    Option("--bytes", 4096),
    client_option([OURS]),
)

if __name__ == "__main__":
    rows = ask(__doc__, measure, report, OPTIONS, rounds=3)
    sys.exit(not all(row["rounds"] for row in rows))

"""Does a frame cost more, or does memory grow, the more frames have come?

``python benchmarks/frames.py``: 64 contexts with 4 KiB of audio a frame, in streams of 20,000
frames to 200,000. Memory is the peak of the client's whole process, interpreter and imports
included.
"""

from __future__ import annotations

import argparse
from itertools import product

from results import OURS, Row, full, keep, percent, pivot
from rounds import (
    CLIENTS,
    Case,
    Load,
    begin,
    chosen,
    compare,
    options,
    rows_of,
    whole_numbers,
)

DEFAULT = (OURS, "official async", "official JS", "picows")
FRAMES = [20_000, 60_000, 200_000]


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each client with each length of the stream."""
    clients = chosen(given.client or DEFAULT)
    cases = [
        Case(name, client, Load(frames=frames))
        for frames, (name, client) in product(given.frames, clients.items())
    ]
    return rows_of(compare(cases, given.rounds), "frames", "contexts", "bytes")


def report(rows: list[Row]) -> str:
    """Write a table for each figure; columns are frames."""
    parts = ["Columns are frames.", "**CPU µs/frame** (least to most)"]
    parts += [pivot(rows, "client", "client", "frames", full("cpu_us_per_frame"))]
    parts += ["**Peak memory, MB** (least to most)"]
    parts += [pivot(rows, "client", "client", "frames", full("peak_bytes", 1e-6))]
    parts += ["**Load busy**", pivot(rows, "client", "client", "frames", percent("load_busy"))]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--frames", type=whole_numbers, default=FRAMES)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    given = begin(parser)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

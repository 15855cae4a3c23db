"""How does the cost of a frame grow with connections, and what does a connection hold?

``python benchmarks/connections.py``: the same stream, of 256 contexts with 4 KiB of audio a frame,
comes over 1 connection, 4, 16, 64 and 256 of one process. Memory is what the process has grown by
when all are connected, before the first context: so it is of a connection that is idle, as the
system counts it, buffers in the kernel not included.
"""

from __future__ import annotations

import argparse
from itertools import product

from growth import fit, words
from results import OURS, Row, full, keep, kinds, middle, percent, pick, pivot
from rounds import (
    SLOW,
    Case,
    Client,
    Load,
    begin,
    chosen,
    compare,
    options,
    python,
    rows_of,
    whole_numbers,
)

SCRIPT = "clients_connections.py"
CLIENTS: dict[str, Client] = {
    OURS: python(SCRIPT, "ours"),
    "official async": python(SCRIPT, "official_async", "cartesia", SLOW),
    "picows": python(SCRIPT, "picows", "picows"),
}
CONNECTIONS = [1, 4, 16, 64, 256]
CONTEXTS = 256


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each client with each number of connections."""
    cases = []
    clients = chosen(given.client or [*CLIENTS], CLIENTS)
    for count, (name, client) in product(given.connections, clients.items()):
        contexts = max(CONTEXTS, count)
        frames = int(given.frames * client.share)
        load = Load(contexts=contexts, connections=count, frames=frames, pace="pieces")
        cases.append(Case(name, client, load))
    return rows_of(compare(cases, given.rounds), "connections", "contexts", "bytes")


def report(rows: list[Row]) -> str:
    """Write a table for each figure; columns are connections."""
    parts = ["Columns are connections.", "**CPU µs/frame** (least to most)"]
    parts += [pivot(rows, "client", "client", "connections", full("cpu_us_per_frame"))]
    parts += ["**Memory of all connections, idle, MB** (least to most)"]
    parts += [pivot(rows, "client", "client", "connections", full("connected_bytes", 1e-6))]
    parts += ["**Load busy**", pivot(rows, "client", "client", "connections", percent("load_busy"))]
    lines = []
    for name in kinds(rows, "client"):
        found = pick(rows, client=name)
        points = [(row["connections"], middle(row, "connected_bytes") / 1024) for row in found]
        if len(points) > 2:
            lines.append(f"- {name}: {words(fit(points, straight=True))} KiB")
    if lines:
        parts += ["Memory of *n* connections:", "\n".join(lines)]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--connections", type=whole_numbers, default=CONNECTIONS)
    parser.add_argument("--frames", type=int, default=40_000)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    given = begin(parser)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

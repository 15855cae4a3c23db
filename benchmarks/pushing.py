"""What does it cost to push many small pieces of text, as a language model makes them?

``python benchmarks/pushing.py``: each of 1, 16, 64 and 256 contexts of one connection pushes tokens
of 20 characters, the next as soon as the last has been taken, and then ends its text. Writes are
calls of the event loop's ``send_all`` or ``write``, for each of these inputs. ``--package FOLDER``
measures another copy of this package in turns with this one: that is how a change to the writer is
judged.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from results import OURS, Row, full, keep, kinds, percent, pick, table
from rounds import (
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

SCRIPT = "clients_pushing.py"
CLIENTS: dict[str, Client] = {
    OURS: python(SCRIPT, "ours"),
    "official async": python(SCRIPT, "official_async", "cartesia"),
    "bare websockets": python(SCRIPT, "websockets", "websockets"),
}
CONTEXTS = [1, 16, 64, 256]


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each client with each number of contexts."""
    clients = chosen(given.client or [*CLIENTS], CLIENTS)
    for folder in given.package or ():
        path = str(Path(folder).resolve())
        clients[f"{OURS} of {Path(path).name}"] = python(SCRIPT, "ours", PYTHONPATH=path)
    cases = []
    for contexts, (name, client) in product(given.contexts, clients.items()):
        pushes = given.pushes // contexts * contexts
        cases.append(Case(name, client, Load(contexts=contexts, frames=pushes, pace="sink")))
    return rows_of(compare(cases, given.rounds), "contexts")


def report(rows: list[Row]) -> str:
    """Write a table for each number of contexts."""
    columns = {
        "pushes/s": full("frames_per_second"),
        "CPU µs/push": full("cpu_us_per_frame"),
        "ours takes of it": percent("cpu_ratio"),
        "writes an input": full("writes_per_input"),
        "sink busy": percent("load_busy"),
    }
    parts = []
    for contexts in kinds(rows, "contexts"):
        parts.append(f"**{contexts:,} contexts**" if contexts > 1 else "**1 context**")
        found = pick(rows, contexts=contexts)
        parts.append(table(found, "client", lambda row: str(row["client"]), columns))
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--contexts", type=whole_numbers, default=CONTEXTS)
    parser.add_argument("--pushes", type=int, default=8192)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    parser.add_argument("--package", action="append", help="a folder with another trio_cartesia")
    given = begin(parser)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

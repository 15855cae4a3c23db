"""What does it cost to push many small pieces of text, as a language model produces them?

``python benchmarks/pushing.py``: each of 1, 16, 64 and 256 contexts of one connection pushes tokens
of 20 characters, one as soon as the last has been sent, and then ends its text. Writes are calls of
the event loop's ``send_all`` or ``write``. ``--package FOLDER`` measures another copy of this
package in turns with this one, to judge a change to the writer.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Final

from harness.cases import Case, Load, chosen, copy_of
from harness.results import OURS, Row, kinds, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import full, label, only, percent, sections, table, text


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each client with each number of contexts."""
    clients = chosen(given.client) | dict(map(copy_of, filter(None, [given.package])))
    cases = []
    for contexts, (name, client) in product(given.contexts, clients.items()):
        pushes = given.pushes // contexts * contexts
        load = Load(contexts=contexts, frames=pushes, pace="sink")
        cases.append(Case(name=name, client=client, load=load, where={"contexts": contexts}))
    return compare(cases, given.rounds)


def report(rows: list[Row]) -> str:
    """Format a table for each number of contexts."""
    columns = {
        "pushes/s": full("frames_per_second"),
        "CPU µs/push": full("cpu_us"),
        "ours / it, CPU": only("cpu_ratio"),
        "writes an input": full("writes_per_input"),
        "sink busy": percent("load_busy"),
    }
    parts = []
    for contexts in kinds(rows, "contexts"):
        parts.append(f"**{label(contexts)} context{'s' if contexts > 1 else ''}**")
        parts.append(table(pick(rows, contexts=contexts), "client", text("client"), columns))
    return sections(parts)


OPTIONS: Final = (
    Option("--contexts", [1, 16, 64, 256]),
    Option("--pushes", 8192, brief=2048),
    Option("--package", "", help="a folder with another trio_cartesia"),
    client_option([OURS, "official async", "bare websockets"]),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS)

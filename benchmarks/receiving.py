"""How fast are many interleaved contexts received, and what does a frame cost?

``python benchmarks/receiving.py`` compares this package, by its public names, with the official
clients and with the libraries below them (group ``bench`` installs those; ``npm ci`` in
tests/conformance the one for Node), at 64 contexts with 4 KiB of audio a frame.

``--contexts 1,16,64 --bytes 1024,4096 --client picows --tls both`` chooses something else.
``--matrix`` is all that the documentation has: 15 pairs of contexts and sizes plain, and 64
contexts over TLS, in about 8 minutes; ``--matrix --tls both`` all of them over TLS, too, in about
14.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import product

from growth import fit, words
from results import (
    OURS,
    Row,
    full,
    keep,
    kinds,
    middle,
    number,
    only,
    percent,
    pick,
    pivot,
    spread,
    table,
    verdict,
)
from rounds import CLIENTS, Case, Load, begin, chosen, compare, options, rows_of, whole_numbers

RATE, COST = "frames_per_second", "cpu_us_per_frame"
CONTEXTS, SIZES = (1, 16, 64, 256, 1024), (1024, 4096, 16384)
NEAR = (64, 4096)  # where all are compared, limits included
MATRIX_CLIENTS = (
    OURS,
    "official async",
    "official sync",
    "official JS",
    "bare websockets",
    "bare trio-websocket",
    "picows",
)
TARGETS = {  # frames a second, of which the client must reach so much at 64 x 4 KiB
    False: {"official async": 5.0, "official JS": 1.5, "picows": 0.75},
    True: {"official async": 2.2},
}
MOST_GROWTH = 1.15  # of the cost of a frame, with 1,024 contexts instead of 16
Pair = tuple[int, int]


def frames_for(contexts: int, size: int, frames: int, share: float) -> int:
    """Return how many frames take about as long as *frames* of 4 KiB; one a context, at least."""
    return max(contexts, int(frames * share * 4096 / max(size, 2048)))


def cases(names: Iterable[str], pairs: Iterable[Pair], frames: int, *, tls: bool) -> list[Case]:
    """Return a case for each client and each number of contexts and bytes."""
    found = []
    for (contexts, size), (name, client) in product(pairs, chosen([*names]).items()):
        # peaks of memory are compared where all are: so all are sent the same
        share = 1 if (contexts, size) == NEAR else client.share
        count = frames_for(contexts, size, frames, share)
        load = Load(contexts=contexts, bytes=size, frames=count)
        found.append(Case(name, client, load, tls))
    return found


def whole_matrix(frames: int, tls: str) -> list[Case]:
    """Return the cases of the documentation; *tls* is off, on or both."""
    pairs = [pair for pair in product(CONTEXTS, SIZES) if pair != NEAR]
    found = [
        *cases(CLIENTS, [NEAR], frames, tls=False),
        *cases(MATRIX_CLIENTS, pairs, frames // 2, tls=False),
    ]
    over_tls = [pair for pair in product(CONTEXTS, SIZES) if tls == "both" or pair[0] == NEAR[0]]
    return [*found, *cases(MATRIX_CLIENTS, over_tls, frames // 2, tls=True)]


def some(given: argparse.Namespace) -> list[Case]:
    """Return the cases that were asked for."""
    pairs = [*product(given.contexts or [NEAR[0]], given.bytes or [NEAR[1]])]
    is_near = pairs == [NEAR]
    names = given.client or (CLIENTS if is_near else MATRIX_CLIENTS)
    found = []
    for tls in {"off": [False], "on": [True], "both": [False, True]}[given.tls or "off"]:
        found += cases(names, pairs, given.frames, tls=tls)
    return found


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure what was asked for."""
    wanted = some(given)
    if given.matrix:
        wanted = [
            case
            for case in whole_matrix(given.frames, given.tls)
            if case.load.contexts in (given.contexts or CONTEXTS)
            and case.load.bytes in (given.bytes or SIZES)
        ]
    return rows_of(compare(wanted, given.rounds), "contexts", "bytes")


def compared(rows: list[Row]) -> str:
    """Write the table of one number of contexts and bytes."""
    columns = {
        "frames/s": only(RATE),
        "frames/s, least to most": spread(RATE),
        "ours is faster by": only("rate_ratio"),
        "CPU µs/frame": only(COST),
        "CPU, least to most": spread(COST),
        "ours takes of it": percent("cpu_ratio"),
        "peak MB": only("peak_bytes", 1e-6),
        "load busy": percent("load_busy"),
    }
    return table(rows, "client", lambda row: str(row["client"]), columns)


def where(contexts: int, size: int, *, tls: bool) -> str:
    """Say what a table is of."""
    return f"{contexts:,} contexts, {size // 1024} KiB a frame" + (", TLS" if tls else "")


def report_pairs(rows: list[Row]) -> str:
    """Write a table for each number of contexts and bytes, with what was asked of it."""
    parts = []
    for tls, contexts, size in dict.fromkeys((r["tls"], r["contexts"], r["bytes"]) for r in rows):
        found = pick(rows, tls=tls, contexts=contexts, bytes=size)
        parts += [f"**{where(contexts, size, tls=tls)}**", compared(found)]
        if (contexts, size) == NEAR:
            parts.append("\n".join(verdicts(found, TARGETS[tls])))
    return "\n\n".join(parts)


def report_matrix(rows: list[Row]) -> str:
    """Write the matrices of the cost of a frame, and of frames a second."""
    parts = []
    for tls, size in dict.fromkeys((row["tls"], row["bytes"]) for row in rows):
        some = [row for row in pick(rows, tls=tls, bytes=size) if row["client"] in MATRIX_CLIENTS]
        if len(kinds(some, "contexts")) > 1:
            title = f"{size // 1024} KiB a frame{', TLS' if tls else ''}; columns are contexts"
            parts += [f"**{title}**", "CPU µs/frame (least to most):"]
            parts += [pivot(some, "client", "client", "contexts", full(COST)), "Frames/s:"]
            parts += [pivot(some, "client", "client", "contexts", only(RATE))]
    return "\n\n".join(parts + growth(rows))


def growth(rows: list[Row]) -> list[str]:
    """Say how the cost of a frame grows with contexts: the curve, and from 16 to 1,024."""
    lines = []
    for name in kinds(rows, "client"):
        found = {row["contexts"]: row for row in pick(rows, client=name, bytes=4096, tls=False)}
        if {16, 1024} <= found.keys():
            by = middle(found[1024], COST) / middle(found[16], COST)
            text = f"{name}, 1,024 contexts: {number(by)} times 16; at most {MOST_GROWTH}"
            lines.append(verdict(text, is_met=by <= MOST_GROWTH))
    curves = []
    for name, size in product(kinds(rows, "client"), kinds(rows, "bytes")):
        some = pick(rows, client=name, bytes=size, tls=False)
        if len(some) > 2:
            curve = words(fit([(row["contexts"], middle(row, COST)) for row in some]))
            curves.append(f"- {name}, {size // 1024} KiB: {curve}")
    parts = ["CPU µs/frame with *n* contexts:", "\n".join(curves)] if curves else []
    return parts + (["\n".join(lines)] if lines else [])


def report(rows: list[Row]) -> str:
    """Write all that there is."""
    is_matrix = len(kinds(rows, "contexts")) > 1
    near = pick(rows, contexts=NEAR[0], bytes=NEAR[1]) if is_matrix else rows
    parts = [report_pairs(near)]
    if is_matrix:
        rest = [row for row in pick(rows, tls=True, contexts=NEAR[0]) if row not in near]
        parts += [report_pairs(rest)] if len(kinds(pick(rows, tls=True), "contexts")) == 1 else []
        parts += [report_matrix(rows)]
    return "\n\n".join(part for part in parts if part)


def verdicts(rows: list[Row], targets: dict[str, float]) -> list[str]:
    """Say which of the targets were met."""
    lines = []
    for row in rows:
        if (least := targets.get(row["client"])) and "rate_ratio" in row:
            # by CPU too: what others did on the machine meanwhile shows less in it
            by_rate, by_cpu = middle(row, "rate_ratio"), 1 / middle(row, "cpu_ratio")
            text = f"{number(by_rate)} times the frames/s of {row['client']} "
            text += f"({number(by_cpu)} by CPU); at least {least:g}"
            lines.append(verdict(text, is_met=by_rate >= least))
    return lines


def main() -> None:
    """Measure, and print the tables."""
    parser = options(__doc__)
    parser.add_argument("--contexts", type=whole_numbers)
    parser.add_argument("--bytes", type=whole_numbers)
    parser.add_argument("--frames", type=int, default=48_000)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    parser.add_argument("--tls", choices=["off", "on", "both"])
    parser.add_argument("--matrix", action="store_true")
    given = begin(parser)
    rows = measure(given)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

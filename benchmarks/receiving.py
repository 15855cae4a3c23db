"""How fast are interleaved contexts received, and what does a frame cost?

``python benchmarks/receiving.py`` compares this package with the official clients and with picows,
at 64 contexts with 4 KiB of audio a frame, plain and over TLS.

``--sweep contexts`` varies contexts and bytes a frame, ``--sweep frames`` the length of the stream,
``--sweep connections`` the number of connections. ``--contexts 1,16 --bytes 1024,4096``,
``--frames``, ``--connections``, ``--client`` and ``--tls`` choose something else.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any, Final

import attrs
from harness.cases import Case, Load, chosen
from harness.growth import fit, words
from harness.results import OURS, Row, kinds, middle, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import (
    at_most,
    full,
    label,
    number,
    only,
    percent,
    pivot,
    sections,
    spread,
    table,
    text,
    verdict,
)

FOUR: Final = (OURS, "official async", "official JS", "picows")
MATRIX: Final = (*FOUR, "official sync", "bare websockets", "bare trio-websocket")
AXES: Final = ("contexts", "frames", "connections")
MOST: Final = {  # of a frame's cost with another client, at 64 x 4 KiB: False plain, True over TLS
    False: {"official async": 0.2, "official JS": 0.67, "picows": 1.33},
    True: {"official async": 0.33},
}
MOST_GROWTH: Final = 1.15  # of a frame's cost, from 16 contexts to 1,024


@attrs.frozen(kw_only=True)
class Sweep:
    """The values that a sweep varies."""

    clients: tuple[str, ...] = FOUR
    contexts: tuple[int, ...] = (64,)
    bytes: tuple[int, ...] = (4096,)
    frames: tuple[int, ...] = (48_000,)
    connections: tuple[int, ...] = (1,)
    tls: str = "off"


SWEEPS: Final = {
    "none": Sweep(tls="both"),
    "contexts": Sweep(
        clients=MATRIX, contexts=(1, 16, 64, 256, 1024), bytes=(1024, 4096, 16384), frames=(24_000,)
    ),
    "frames": Sweep(frames=(20_000, 60_000, 200_000)),
    "connections": Sweep(
        clients=(OURS, "official async", "picows"),
        contexts=(256,),
        connections=(1, 4, 16, 64, 256),
        frames=(40_000,),
    ),
}
BRIEF: Final[dict[str, dict[str, Any]]] = {
    "none": {"frames": (12_000,)},
    "contexts": {"contexts": (16, 64, 1024), "bytes": (4096,), "frames": (8_000,)},
    "frames": {"frames": (2_000, 6_000, 20_000)},
    "connections": {"connections": (1, 16, 64), "frames": (8_000,)},
}


def chosen_sweep(given: argparse.Namespace) -> Sweep:
    """Return the sweep of the command line, with the values that replace its own."""
    sweep = SWEEPS[given.sweep]
    if given.brief:
        sweep = attrs.evolve(sweep, **BRIEF[given.sweep])
    names = ("contexts", "bytes", "frames", "connections", "tls")
    replaced: dict[str, Any] = {name: value for name in names if (value := getattr(given, name))}
    if given.client:
        replaced["clients"] = given.client
    return attrs.evolve(sweep, **replaced)


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each combination of the sweep with each client."""
    sweep, cases = chosen_sweep(given), []
    clients = chosen(sweep.clients)
    for tls in {"off": (False,), "on": (True,), "both": (False, True)}[sweep.tls]:
        values = product(sweep.connections, sweep.contexts, sweep.bytes, sweep.frames)
        for connections, contexts, size, frames in values:
            where = {"contexts": max(contexts, connections), "bytes": size}
            where |= {"frames": frames, "connections": connections}
            for name, client in clients.items():
                # with many cases, slow clients have shorter streams
                part = client.share if len(sweep.contexts) + len(sweep.connections) > 2 else 1.0
                count = int(frames * part * 4096 / max(size, 2048))
                load = Load(
                    contexts=where["contexts"],
                    bytes=size,
                    frames=max(where["contexts"], count),
                    connections=connections,
                    pace="pieces" if len(sweep.connections) > 1 else "flood",
                )
                cases.append(Case(name=name, client=client, load=load, where=where, tls=tls))
    return compare(cases, given.rounds)


def report(rows: list[Row]) -> str:
    """Format a table a combination, or tables of how costs grow along an axis."""
    parts = []
    for tls in kinds(rows, "tls"):
        some = pick(rows, tls=tls)
        axis = next((axis for axis in AXES if len(kinds(some, axis)) > 1), None)
        for size in kinds(some, "bytes"):
            sized = pick(some, bytes=size)
            parts.append(title(sized[0], axis))
            parts += [compared(sized)] if axis is None else grown(sized, axis)
    return sections(parts)


def title(row: Row, axis: str | None) -> str:
    """Format what a table is of."""
    fixed = [f"{label(row[name])} {name}" for name in ("contexts", "connections") if name != axis]
    fixed.append(f"{row['bytes'] // 1024} KiB a frame")
    fixed += ["TLS"] if row["tls"] else []
    across = f"; columns are {axis}" if axis else ""
    return f"**{', '.join(part for part in fixed if part != '1 connections')}{across}**"


def compared(rows: list[Row]) -> str:
    """Format clients beside each other, and the goals."""
    columns = {
        "CPU µs/frame": only("cpu_us"),
        "least to most": spread("cpu_us"),
        "ours / it, CPU": only("cpu_ratio"),
        "clock µs/frame": only("clock_us"),
        "ours / it, clock": only("clock_ratio"),
        "frames/s": only("frames_per_second"),
        "peak MB": only("peak_bytes", 1e-6),
        "load busy": percent("load_busy"),
    }
    return sections([table(rows, "client", text("client"), columns), "\n".join(goals(rows))])


def goals(rows: list[Row]) -> list[str]:
    """Compare with the goals, both by CPU time and by the clock."""
    lines = []
    for row in rows:
        most = MOST[row["tls"]].get(row["client"])
        if most and "cpu_ratio" in row and (row["contexts"], row["bytes"]) == (64, 4096):
            cpu, clock = middle(row, "cpu_ratio"), middle(row, "clock_ratio")
            said = f"{number(cpu)} of {row['client']} by CPU, {number(clock)} by the clock"
            lines.append(verdict(f"{said}; at most {most}", is_met=max(cpu, clock) <= most))
    return lines


def grown(rows: list[Row], axis: str) -> list[str]:
    """Format the figures along an axis, and the curves through them."""
    memory = {"frames": "peak_bytes", "connections": "connected_bytes"}.get(axis)
    parts = ["CPU µs/frame (least to most):", pivot(rows, "client", "client", axis, full("cpu_us"))]
    if memory is None:
        parts += ["Frames/s:", pivot(rows, "client", "client", axis, only("frames_per_second"))]
    else:
        name = "Peak memory" if axis == "frames" else "Memory of all connections, idle"
        parts += [f"{name}, MB (least to most):"]
        parts += [pivot(rows, "client", "client", axis, full(memory, 1e-6))]
    parts += ["Load busy:", pivot(rows, "client", "client", axis, percent("load_busy"))]
    if axis != "frames":
        parts += [f"With *n* {axis}:", "\n".join(curves(rows, axis))]
    return [*parts, *growth(rows, axis)]


def curves(rows: list[Row], axis: str) -> list[str]:
    """Format fitted curves of each client, where there are points enough."""
    lines = []
    for name in kinds(rows, "client"):
        found = pick(rows, client=name)
        if len(found) > 2:
            costs = fit([(row[axis], middle(row, "cpu_us")) for row in found])
            line = f"- {name}: {words(costs)} CPU µs/frame"
            if axis == "connections":
                held = [(row[axis], middle(row, "connected_bytes") / 1024) for row in found]
                line += f"; {words(fit(held, straight=True))} KiB"
            lines.append(line)
    return lines


def growth(rows: list[Row], axis: str) -> list[str]:
    """Compare our growth from 16 contexts to 1,024 with its goal."""
    found = {row[axis]: row for row in pick(rows, client=OURS)}
    if axis != "contexts" or not {16, 1024} <= found.keys():
        return []
    by = middle(found[1024], "cpu_us") / middle(found[16], "cpu_us")
    return [at_most("a frame's cost, 1,024 contexts to 16", by, MOST_GROWTH)]


OPTIONS: Final = (
    Option("--sweep", "none", choices=tuple(SWEEPS)),
    Option("--contexts", [], help="such as 1,16,64"),
    Option("--bytes", [], help="of audio a frame, such as 1024,4096"),
    Option("--frames", [], help="of the stream, such as 20000,60000"),
    Option("--connections", [], help="over which contexts are spread, such as 1,4,16"),
    Option("--tls", "", choices=("off", "on", "both")),
    client_option(()),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS)

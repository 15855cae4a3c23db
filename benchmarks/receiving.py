"""
How fast are many interleaved contexts received, and what does a frame cost?

``python benchmarks/receiving.py`` compares this package, by its public names, with the official
clients and with the libraries below them (group ``bench`` installs those; ``npm ci`` in
tests/conformance the one for Node). ``--grid`` adds other numbers of contexts and sizes,
``--tls`` is over TLS, ``--json FILE`` keeps every figure of every round.
"""

from __future__ import annotations

import argparse
from typing import Any

from rounds import (
    CLIENTS,
    Found,
    Load,
    ask_for_priority,
    chosen,
    compare,
    median,
    ratio,
    spread,
    table,
    write_json,
)

RATE, COST, PEAK = "frames_per_second", "cpu_us_per_frame", "peak_bytes"
WALL = "frames_per_second_wall"
GRID_CLIENTS = ["trio_cartesia", "official async", "official JS", "picows"]
MOST_GROWTH = 1.15  # of the cost of a frame, with 1,024 contexts instead of 16
GRID = [(contexts, size) for size in (1024, 4096, 16384) for contexts in (1, 16, 64, 256, 1024)]
TARGETS = {  # frames a second, of which the client must reach so much at 64 x 4 KiB
    "official async": 5.0,
    "official JS": 1.5,
    "picows": 0.75,
}
TLS_TARGETS = {"official async": 2.2}


def report(found: Found) -> str:
    """Write the table of one comparison."""
    first = next(iter(found))
    columns = {
        "frames/s": lambda each: f"{median(each, RATE):,.0f}",
        "by the clock": lambda each: f"{median(each, WALL):,.0f}",
        "spread": lambda each: f"{100 * spread(each, RATE):.0f} %",
        "CPU µs/frame": lambda each: f"{median(each, COST):.1f}",
        "spread of it": lambda each: f"{100 * spread(each, COST):.0f} %",
        "peak MB": lambda each: f"{median(each, PEAK) / 1e6:.0f}",
        "load busy": lambda each: f"{100 * median(each, 'load_busy'):.0f} %",
    }
    lines = [table(found, columns), ""]
    lines += [
        f"{first} / {name}: {ratio(found, first, name, RATE):.2f} x the frames a second, "
        f"{ratio(found, first, name, COST):.2f} x the CPU a frame"
        for name in found
        if name != first
    ]
    return "\n".join(lines)


def verdicts(found: Found, targets: dict[str, float]) -> list[str]:
    """Say which of the targets were met."""
    ours = "trio_cartesia"
    lines = []
    for name, least in targets.items():
        if name in found and ours in found:
            # by CPU too: what others did on the machine meanwhile shows less in it
            by_rate, by_cpu = ratio(found, ours, name, RATE), 1 / ratio(found, ours, name, COST)
            said = "met" if by_rate >= least else "MISSED"
            lines.append(f"{said}: {by_rate:.2f} x {name}, {by_cpu:.2f} by CPU; >= {least:g}")
    return lines


def grid(names: list[str], rounds: int, frames: int) -> tuple[str, dict[str, Any]]:
    """Measure each number of contexts with each size."""
    clients = chosen(names)
    lines = ["| contexts x bytes | " + " | ".join(clients) + " |", "|---|" + "---:|" * len(clients)]
    results = {}
    for contexts, size in GRID:
        few = max(contexts, frames * 4096 // max(size, 2048))
        found = compare(clients, Load(contexts=contexts, bytes=size, frames=few), rounds)
        cells = [f"{median(each, RATE):,.0f} ({median(each, COST):.1f})" for each in found.values()]
        lines.append(f"| {contexts} x {size} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
        results[f"{contexts} x {size}"] = found
    for name in clients:
        few, many = (median(results[f"{contexts} x 4096"][name], COST) for contexts in (16, 1024))
        said = "met" if many <= MOST_GROWTH * few else "MISSED"
        print(f"{said}: {name}, 1,024 contexts: {many / few:.2f} x 16; <= {MOST_GROWTH}")
    return "\n".join(lines), results


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=64)
    parser.add_argument("--bytes", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--priority", action="store_true", help="on a machine that others use")
    parser.add_argument("--json")
    given = parser.parse_args()
    if given.priority:
        ask_for_priority()
    if given.grid:
        text, results = grid(given.client or GRID_CLIENTS, given.rounds, given.frames)
        print(f"\nframes/s (CPU µs/frame), medians of {given.rounds} rounds\n\n{text}")
        write_json(given.json, {"grid": results})
        return
    load = Load(contexts=given.contexts, bytes=given.bytes, frames=given.frames)
    found = compare(chosen(given.client), load, given.rounds, tls=given.tls)
    where = "over TLS" if given.tls else "plain"
    print(f"{load.contexts} contexts x {load.bytes} bytes, {where}, {given.rounds} rounds\n")
    print(report(found) + "\n")
    print("\n".join(verdicts(found, TLS_TARGETS if given.tls else TARGETS)))
    write_json(given.json, {"load": str(load), "tls": given.tls, "found": found})


if __name__ == "__main__":
    main()

"""
How soon is a frame in the hands of its task, and what does a paced frame cost?

``python benchmarks/latency.py``: 64 contexts are sent a frame of 20 ms each every 20 ms, either
spread over that time or all at once. Each frame has with it when it was sent, on the machine's
monotonic clock, and the task that receives it looks at the same clock. ``--json FILE`` keeps every
figure of every round.
"""

from __future__ import annotations

import argparse

from rounds import (
    CLIENTS,
    Found,
    Load,
    ask_for_priority,
    chosen,
    compare,
    median,
    ratio,
    table,
    write_json,
)

DEFAULT = ["trio_cartesia", "official async", "official JS", "picows"]
FRAME_BYTES = 1920  # 20 ms at 48 kHz, 16 bits
COST = "cpu_us_per_frame"
MOST_COST = 0.65  # of the official client's, for a paced frame
MOST_P99 = 0.5  # of the official client's, in bursts


def report(found: Found) -> str:
    """Write the table of one pace."""
    columns = {
        "p50 µs": lambda each: f"{median(each, 'p50_us'):,.0f}",
        "p99 µs": lambda each: f"{median(each, 'p99_us'):,.0f}",
        "p99 µs, best round": lambda each: f"{min(one['p99_us'] for one in each):,.0f}",
        "p99.9 µs": lambda each: f"{median(each, 'p99.9_us'):,.0f}",
        "CPU µs/frame": lambda each: f"{median(each, COST):.1f}",
        "load busy": lambda each: f"{100 * median(each, 'load_busy'):.0f} %",
    }
    return table(found, columns)


def verdicts(pace: str, found: Found) -> list[str]:
    """Say which of the targets were met."""
    ours, theirs = "trio_cartesia", "official async"
    if ours not in found or theirs not in found:
        return []
    cost = ratio(found, ours, theirs, COST)
    lines = [f"{'met' if cost <= MOST_COST else 'MISSED'}: {cost:.2f} x its CPU; <= {MOST_COST:g}"]
    if pace == "burst":
        late = ratio(found, ours, theirs, "p99_us")
        said = "met" if late <= MOST_P99 else "MISSED"
        lines.append(f"{said}: {late:.2f} x its p99; <= {MOST_P99:g}")
    return lines


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--client", action="append", choices=list(CLIENTS))
    parser.add_argument("--priority", action="store_true", help="on a machine that others use")
    parser.add_argument("--json")
    given = parser.parse_args()
    if given.priority:
        ask_for_priority()
    results = {}
    for pace in ("spread", "burst"):
        frames = int(given.seconds / 0.02) * given.contexts
        load = Load(contexts=given.contexts, bytes=FRAME_BYTES, frames=frames, pace=pace)
        found = compare(chosen(given.client or DEFAULT), load, given.rounds)
        print(f"\n{given.contexts} contexts, {pace}, {given.rounds} rounds\n\n{report(found)}\n")
        print("\n".join(verdicts(pace, found)), flush=True)
        results[pace] = found
    write_json(given.json, results)


if __name__ == "__main__":
    main()

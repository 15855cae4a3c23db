"""What does it cost to send audio and to receive transcripts, and how late are those?

``python benchmarks/listening.py``: sessions with manual finalize, beside the official client. Audio
is 16 kHz and 16 bits, in pieces of 100 ms and of 20 ms: of 64 sessions at the pace of speech, and
of one session in a loop. Transcripts are interim text, then final text with the times of twelve
words: an event a session every 100 ms, and as fast as one session reads them. Then sessions do
both: a piece every 100 ms, and an event for each. Events carry the time at which they were sent, on
the machine's monotonic clock, which the receive loop reads too.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

from harness.cases import Case, Load, chosen
from harness.results import OURS, Row, kinds, middle, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import at_most, full, only, percent, sections, table, text

BYTES_PER_SECOND: Final = 32_000
PIECES_SECONDS: Final = (0.1, 0.02)
EVENT_SECONDS: Final = 0.1
MOST_CPU: Final = 0.65  # of the official client's


def loads(given: argparse.Namespace) -> dict[str, Load]:
    """Return the loads, by what they are."""
    many, found = f"{given.sessions} sessions", {}
    for seconds in PIECES_SECONDS:
        name = f"pieces of {1000 * seconds:g} ms"
        size, count = int(seconds * BYTES_PER_SECOND), int(given.seconds / seconds)
        paced = load(given.sessions, count, "audio", bytes=size, interval_seconds=seconds)
        found[f"{many} send {name} at the pace of speech"] = paced
        found[f"one session sends {name} in a loop"] = load(1, given.pieces, "audio", bytes=size)
    pace: dict[str, Any] = {"bytes": 3200, "interval_seconds": EVENT_SECONDS}
    count = int(given.seconds / EVENT_SECONDS)
    title = f"{many} receive an event each every {1000 * EVENT_SECONDS:g} ms"
    found[title] = load(given.sessions, count, "transcripts", **pace)
    title = f"{many} send pieces of 100 ms, and receive an event for each"
    found[title] = load(given.sessions, count, "conversation", **pace)
    title = "one session receives events as fast as they are read"
    return found | {title: load(1, given.events, "transcripts")}


def load(sessions: int, frames: int, pace: str, **fields: Any) -> Load:
    """Return the load of sessions with so many frames each, by default without an interval."""
    fields = {"interval_seconds": 0.0, **fields}
    return Load(
        contexts=sessions, connections=sessions, frames=sessions * frames, pace=pace, **fields
    )


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each load with each client."""
    return compare(
        [
            Case(name=name, client=client, load=load, where={"load": title})
            for title, load in loads(given).items()
            for name, client in chosen(given.client).items()
        ],
        given.rounds,
    )


def report(rows: list[Row]) -> str:
    """Format a table a load, and the goals."""
    columns = {
        "CPU µs each": full("cpu_us"),
        "ours / it, CPU": only("cpu_ratio"),
        "clock µs each": only("clock_us"),
        "load busy": percent("load_busy"),
    }
    late = {"p50 µs": full("p50_us"), "p99 µs": full("p99_us")}
    parts = []
    for title in kinds(rows, "load"):
        found = pick(rows, load=title)
        parts.append(f"**{title[0].upper()}{title[1:]}**")
        more = late if "p50_us" in found[0] else {}
        parts.append(table(found, "client", text("client"), columns | more))
        parts.append("\n".join(goals(found)))
    return sections(parts)


def goals(rows: list[Row]) -> list[str]:
    """Compare with the official client."""
    return [
        at_most("CPU, ours to official async", middle(row, "cpu_ratio"), MOST_CPU)
        for row in rows
        if row["client"] != OURS and "cpu_ratio" in row
    ]


OPTIONS: Final = (
    Option("--sessions", 64),
    Option("--seconds", 2.0, brief=0.6, help="of the paced loads; default: 2"),
    Option("--pieces", 20_000, brief=4_000),
    Option("--events", 20_000, brief=5_000),
    client_option([OURS, "official async"]),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS)

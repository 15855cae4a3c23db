"""How much speech does one process carry at the pace at which it is spoken?

``python benchmarks/capacity.py``: so many contexts at once each receive speech of 24 kHz in chunks
of 4 KiB, from the local service (tones) in another process and on another processor, in one of
three ways:

* ``receive``: a receive loop, audio alone;
* ``word times``: the same with ``add_timestamps``;
* ``playout``: `Context.playout` with word times, which gives out a frame of 20 ms when it is due.

What counts is the processor time of the client's process. "Streams a processor" is what follows
from it: how many streams would take all of one. "Pace" is the speech that came, or was played, in a
second of a stream: below 1 the service or the client did not keep up, and the line says little.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any, Final

from harness.cases import Case, Load, python
from harness.clients.speech import BYTES_PER_SECOND, WAYS
from harness.peers import open_service, run_client
from harness.results import Measure, Row, kinds, pick, rows_of
from harness.rounds import Option, ask
from harness.tables import full, label, only, percent, sections, table

CHUNK_BYTES: Final = 4096
TIMES_REAL_TIME: Final = 1.05  # the service's pace: chunks may be late, and playouts do not wait
CLIENT: Final = python("speech")


def cases(given: argparse.Namespace) -> list[Case]:
    """Return a case for each way, number of contexts and number of connections."""
    return [
        Case(
            name="trio_cartesia",
            client=CLIENT,
            load=Load(
                contexts=contexts,
                connections=connections,
                pace=way,
                interval_seconds=given.seconds,
            ),
            where={"way": way, "contexts": contexts, "connections": connections},
            voice="tones",
        )
        for way, contexts, connections in product(WAYS, given.contexts, given.connections)
        if connections == 1 or contexts == max(given.contexts)
    ]


def measure(given: argparse.Namespace) -> list[Row]:
    """Let each case have its turn in each round."""
    chosen = cases(given)
    found: list[list[Measure]] = [[] for _ in chosen]
    with open_service("tones", times_real_time=TIMES_REAL_TIME, chunk_bytes=CHUNK_BYTES) as service:
        for _ in range(given.rounds):
            for case, measures in zip(chosen, found, strict=True):
                service.report()
                client = run_client(case, service)
                measures.append(figures(case.load, client, service.report()))
    wheres = [case.where for case in chosen]
    return rows_of(zip(wheres, found, strict=True), "stream_cpu_ms")


def figures(load: Load, client: dict[str, Any], service: dict[str, Any]) -> Measure:
    """Return what is compared, from the reports of the client and of the service."""
    seconds, cpu = client["seconds"], client["cpu_seconds"]
    speech = client["bytes"] / BYTES_PER_SECOND
    return {
        "stream_cpu_ms": 1000 * cpu / speech,
        "streams": speech / cpu,
        "busy": cpu / seconds,
        "pace": speech / seconds / load.contexts,
        "frames_per_second": client["frames"] / seconds,
        "bytes_per_second": client["bytes"] / seconds,
        "context_bytes": client["held_bytes"] / load.contexts,
        "inbox_peak_bytes": client["inbox_peak_bytes"],
        "service_busy": service["cpu_seconds"] / service["seconds"],
    }


def report(rows: list[Row]) -> str:
    """Format a table a way."""
    columns = {
        "connections": lambda row: label(row["connections"]),
        "CPU ms a second of speech": full("stream_cpu_ms"),
        "streams a processor": only("streams"),
        "client busy": percent("busy"),
        "pace": only("pace"),
        "frames/s": only("frames_per_second"),
        "audio MB/s": only("bytes_per_second", 1e-6),
        "KiB a context": only("context_bytes", 2**-10),
        "inboxes, peak KiB": only("inbox_peak_bytes", 2**-10),
        "service busy": percent("service_busy"),
    }
    return sections(
        part
        for way in kinds(rows, "way")
        for part in (
            f"**{way}**",
            table(pick(rows, way=way), "contexts", lambda row: label(row["contexts"]), columns),
        )
    )


OPTIONS: Final = (
    Option("--contexts", [1, 15, 64, 256]),
    Option("--connections", [1, 4, 16], help="of the most contexts; default: 1,4,16"),
    Option("--seconds", 5.0, brief=2.0, help="that are measured; default: 5"),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS, rounds=3)

"""How long is it from sending a whole text to its first audio, over the local service?

``python benchmarks/first_audio.py``: 1, 16 and 64 contexts of one connection send a short sentence
at the same time, as one message each, and receive all of it: ``speak(text)`` here, a single input
with ``continue`` false in the official client. The service has a process and a processor of its own
and speaks as fast as it can: tones, which cost next to nothing, and eSpeak NG, where the extra
``local`` is installed. With many contexts at once most of the time is the service's.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Final

from harness.cases import Case, Load, chosen, is_installed
from harness.results import OURS, Row, kinds, pick
from harness.rounds import Option, ask, client_option, compare
from harness.tables import full, label, only, sections, table, text

NEEDS: Final = {"tones": None, "espeak": "espeakng-loader"}


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each voice with each number of contexts."""
    voices = [NEEDS] if given.voice == "all" else [{given.voice: NEEDS[given.voice]}]
    cases = []
    for voice, needs in voices[0].items():
        for contexts, (name, client) in product(given.contexts, chosen(given.client).items()):
            load = Load(contexts=contexts, frames=given.texts, pace="service")
            where = {"contexts": contexts}
            if is_installed(needs):
                case = Case(name=name, client=client, load=load, where=where, voice=voice)
                cases.append(case)
    return compare(cases, given.rounds)


def report(rows: list[Row]) -> str:
    """Format a table a voice."""
    columns = {
        "client": text("client"),
        "p50 ms": full("p50_us", 1e-3),
        "p95 ms": full("p95_us", 1e-3),
        "p99 ms": full("p99_us", 1e-3),
        "CPU ms/text": full("cpu_us", 1e-3),
        "the service's loop late by, p99 ms": only("lag_p99_ms"),
    }
    parts = []
    for voice in kinds(rows, "voice"):
        parts.append(f"**{voice}**")
        first = "contexts at once"
        parts.append(
            table(pick(rows, voice=voice), first, lambda row: label(row["contexts"]), columns)
        )
    return sections(parts)


OPTIONS: Final = (
    Option("--contexts", [1, 16, 64]),
    Option("--texts", 128, help="for each client in each round; default: 128"),
    Option("--voice", "all", brief="tones", choices=("all", *NEEDS)),
    client_option([OURS, "official async"]),
)

if __name__ == "__main__":
    ask(__doc__, measure, report, OPTIONS)

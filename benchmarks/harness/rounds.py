"""Cases that take turns, and the command line that all questions share.

Machines are noisy, and drift. So all cases take turns in each round, and each figure is the median
over the quieter half of the rounds. A peer has one processor and the client another, where the
system allows it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import attrs
import trio

from harness.cases import CLIENTS, Case, is_installed
from harness.environment import figures
from harness.peers import open_load, open_service
from harness.processors import ask_for_priority, cores
from harness.results import OURS, Measure, Row, keep, rows_of

RATIOS: Final = {"cpu_us": "cpu_ratio", "clock_us": "clock_ratio"}  # ours to theirs
Found = dict[Case, list[Measure]]
Part = Callable[[argparse.Namespace], Awaitable[list[Row]]]


def compare(cases: Sequence[Case], rounds: int, *, ours: str = OURS) -> list[Row]:
    """Let each case take its turn in each round; return a row a case.

    Rows of other clients have their ratio to the client *ours*.
    """
    found: Found = {case: [] for case in cases}
    warm = {(case.name, case.tls, case.voice): case for case in reversed(cases)}
    with ExitStack() as stack:
        peers = {
            (tls, voice): stack.enter_context(
                open_load(tls=tls) if voice is None else open_service(voice)
            )
            for tls, voice in dict.fromkeys((case.tls, case.voice) for case in cases)
        }
        for case in warm.values():  # of caches and of the machine; not counted
            peers[case.tls, case.voice].measure(case)
        for _ in range(rounds):
            for case in cases:
                found[case].append(peers[case.tls, case.voice].measure(case))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return _rows(found, ours)


def measure_parts(
    given: argparse.Namespace,
    parts: Mapping[str, Callable[[argparse.Namespace], Awaitable[list[Row]]]],
) -> list[Row]:
    """Measure the part of ``--part``, or all of them, with a voice that is installed."""
    if given.voice == "espeak" and not is_installed("espeakng-loader"):
        given.voice = "tones"
    chosen = parts.values() if given.part == "all" else [parts[given.part]]
    return [each for part in chosen for each in trio.run(part, given)]


def _rows(found: Found, ours_name: str) -> list[Row]:
    """Return a row a case; cases that differ by their client alone are compared."""
    groups: dict[str, dict[Case, list[Measure]]] = {}
    for case, measures in found.items():
        groups.setdefault(repr((case.where, case.tls, case.voice)), {})[case] = measures
    rows = []
    for group in groups.values():
        ours = next((measures for case, measures in group.items() if case.name == ours_name), None)
        for measures in group.values():
            if ours is not None and measures is not ours:
                for mine, theirs in zip(ours, measures, strict=True):
                    theirs |= {name: mine[field] / theirs[field] for field, name in RATIOS.items()}
        rows += rows_of(((_where(case), measures) for case, measures in group.items()), "cpu_us")
    return rows


def _where(case: Case) -> dict[str, Any]:
    kind = {"tls": case.tls} if case.voice is None else {"voice": case.voice}
    return {"client": case.name, **case.where, **kind}


@attrs.frozen
class Option:
    """An option of a question; *brief* is its value with ``--brief``."""

    flag: str
    default: Any
    brief: Any = None
    help: str | None = None
    choices: tuple[str, ...] | None = None

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add it to a command line."""
        kind: Callable[[str], Any] = type(self.default)
        if isinstance(self.default, list):
            kind = whole_numbers
        text = self.help or f"default: {self.default}"
        parser.add_argument(self.flag, type=kind, choices=self.choices, help=text)


def client_option(default: Sequence[str]) -> Option:
    """Return the option that chooses clients."""
    return Option(
        "--client", tuple(default), help=f"may be repeated; default: {', '.join(default)}"
    )


def whole_numbers(text: str) -> list[int]:
    """Parse an option such as 1,16,64."""
    return [int(part) for part in text.split(",")]


def ask(
    doc: str | None,
    measure: Callable[[argparse.Namespace], list[Row]],
    report: Callable[[list[Row]], str],
    options: Sequence[Option] = (),
    *,
    rounds: int = 7,
    in_process: bool = False,
) -> list[Row]:
    """Run a question from the command line: parse options, measure, print the report, keep figures.

    Args:
        doc: The description of the command.
        measure: Measures as the options say.
        report: Formats rows as Markdown.
        options: Those of this question alone.
        rounds: How often each case has its turn, unless ``--rounds`` says otherwise.
        in_process: What is measured runs in this process, on the clients' processor.
    """
    given = _parse(doc, [Option("--rounds", rounds, brief=2), *options])
    if given.priority:
        ask_for_priority()
    if in_process and cores()[1]:
        os.environ["BENCHMARK_CORE"] = cores()[0]  # for the peers that this process starts
        os.sched_setaffinity(0, {int(cores()[1])})
    rows = measure(given)
    print(report(rows))
    keep(given.json, figures(rows))
    return rows


def _parse(doc: str | None, options: Sequence[Option]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--brief", action="store_true", help="few rounds and short streams")
    parser.add_argument("--json", help="a file for the figures")
    parser.add_argument("--priority", action="store_true", help="run before other work (root only)")
    for option in options:
        if option.flag == "--client":
            parser.add_argument(
                option.flag, action="append", choices=list(CLIENTS), help=option.help
            )
        else:
            option.add_to(parser)
    given = parser.parse_args()
    for option in options:
        name = option.flag.removeprefix("--").replace("-", "_")
        if getattr(given, name) is None:
            is_brief = given.brief and option.brief is not None
            setattr(given, name, option.brief if is_brief else option.default)
    return given

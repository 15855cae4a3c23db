"""All questions about the speed of the client, one after another: ``python benchmarks/run_all.py``.

Takes half an hour or so; ``--brief`` leaves out most of the matrix of receiving, and ``--quick``
takes about three minutes and is good for nothing but a first look. The tables go to standard
output. ``--json FILE`` keeps the figures, of which ``plots.py`` makes the pictures, and
``--docs FILE`` renews the tables of a page, between its marks. ``--tables FILE`` measures nothing,
and prints the tables of figures that were kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import cancelling
import connections
import contexts
import first_audio
import frames
import latency
import pushing
import receiving
import start_up
from results import Row, dump, facts, machine
from rounds import ask_for_priority

Figures = dict[str, Any]


@attrs.frozen
class Question:
    """A question: who writes its tables, and how it is asked, at length or in a hurry."""

    report: Callable[[list[Row]], str]
    options: tuple[str, ...] = ()
    quick: tuple[str, ...] = ("--rounds", "1")


BRIEF = ("--matrix", "--contexts", "16,64,1024", "--bytes", "4096")
FEW = ("--rounds", "1", "--frames", "8000")
QUESTIONS = {
    "receiving": Question(receiving.report, ("--matrix",), FEW),
    "frames": Question(frames.report, (), ("--rounds", "1", "--frames", "2000,6000,20000")),
    "connections": Question(connections.report, (), FEW),
    "latency": Question(latency.report, (), ("--rounds", "1", "--seconds", "0.5")),
    "first_audio": Question(first_audio.report),
    "pushing": Question(pushing.report, (), ("--rounds", "1", "--pushes", "2048")),
    "cancelling": Question(cancelling.report, (), ("--rounds", "1", "--times", "50")),
    "contexts": Question(contexts.report, (), ("--rounds", "1", "--batches", "4")),
    "start_up": Question(start_up.report, (), ("--rounds", "3")),
}


def ask(name: str, question: Question, *, quick: bool, brief: bool) -> list[Row]:
    """Ask a question in a process of its own, and return its rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, str(Path(__file__).parent / f"{name}.py"), "--json", str(path)]
        options = BRIEF if brief and name == "receiving" else question.options
        command += [*options, *(question.quick if quick else ())]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        rows: list[Row] = json.loads(path.read_text())["rows"]
        return rows


def sections(found: Figures) -> dict[str, str]:
    """Return the tables of each question, and what they depend on."""
    tables = {name: each.report(found[name]) for name, each in QUESTIONS.items() if name in found}
    return {"machine": facts(found["machine"]), **tables}


def renew(page: Path, found: Figures) -> None:
    """Put the tables where the page has its marks."""
    text = page.read_text()
    for name, tables in sections(found).items():
        marks = f"<!-- figures: {name} -->", f"<!-- end: {name} -->"
        between = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        whole = f"{marks[0]}\n\n{tables}\n\n{marks[1]}"
        text = between.sub(lambda _, whole=whole: whole, text)
    page.write_text(text)


def measure(given: argparse.Namespace) -> Figures:
    """Ask each question that was asked for; print its tables as it is answered."""
    found: Figures = {"machine": machine() | {"quick": given.quick}}
    print(facts(found["machine"]))
    for name in given.only or QUESTIONS:
        began = time.perf_counter()
        try:
            found[name] = ask(name, QUESTIONS[name], quick=given.quick, brief=given.brief)
        except subprocess.CalledProcessError as error:  # the others are worth their time
            print(f"!! no answer: {error}", file=sys.stderr)
            continue
        print(f"\n## {name}\n\n{QUESTIONS[name].report(found[name])}", flush=True)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        if given.json is not None:
            given.json.parent.mkdir(parents=True, exist_ok=True)
            given.json.write_text(dump(found))
    return found


def main() -> None:
    """Measure, or look at what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--brief", action="store_true", help="of receiving, 4 KiB and the ends")
    parser.add_argument("--priority", action="store_true", help="on a machine that others use")
    parser.add_argument("--only", action="append", choices=list(QUESTIONS), help="a question")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--docs", type=Path, help="a page whose tables are renewed")
    parser.add_argument("--tables", type=Path, help="a file with figures to show")
    given = parser.parse_args()
    if given.priority:
        ask_for_priority()  # and so do those that are started
    if given.tables is not None:
        found = json.loads(given.tables.read_text())
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in sections(found).items()))
    else:
        found = measure(given)
    if given.docs is not None:
        renew(given.docs, found)


if __name__ == "__main__":
    main()

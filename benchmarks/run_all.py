"""All questions, one after another: ``python benchmarks/run_all.py``.

It takes about an hour; ``--brief`` takes a few minutes, with short streams and few rounds, and is
good for a first look. The tables go to standard output. ``--json FILE`` keeps the figures, of which
``plots.py`` makes pictures, and ``--docs PAGE`` replaces the tables of pages, between their marks.
``--only NAME`` asks a single question, and leaves the figures of the others in the file as they
are. ``--tables FILE`` measures nothing, and formats figures that were kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from harness.environment import describe_machines, describe_run
from harness.processors import ask_for_priority
from harness.results import keep
from harness.tables import sections

HERE: Final = Path(__file__).parent
QUESTIONS: Final[dict[str, tuple[str, ...]]] = {  # the file, and its options
    "flood": ("flood",),
    "receiving": ("receiving",),
    "contexts_sweep": ("receiving", "--sweep", "contexts", "--rounds", "5"),
    "frames_sweep": ("receiving", "--sweep", "frames", "--rounds", "5"),
    "connections_sweep": ("receiving", "--sweep", "connections", "--rounds", "5"),
    "blocking": ("blocking",),
    "latency": ("latency",),
    "first_audio": ("first_audio",),
    "listening": ("listening",),
    "pushing": ("pushing",),
    "cancelling": ("cancelling",),
    "contexts": ("contexts",),
    "start_up": ("start_up",),
    "capacity": ("capacity",),
    "service_load": ("service_load",),
    "listening_load": ("listening_load",),
    "http_requests": ("http_requests",),
    "speech_over_http": ("speech_over_http",),
}
Found = dict[str, Any]  # by question: `environment.Figures`


def ask(name: str, *, brief: bool, priority: bool) -> dict[str, Any]:
    """Run a question in a process of its own, and return its figures.

    Raises:
        subprocess.CalledProcessError: It ended without figures.
    """
    file, *options = QUESTIONS[name]
    if brief:
        options = [*options[:2], "--brief"] if options else ["--brief"]
    if priority:
        options.append("--priority")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        command = [sys.executable, str(HERE / f"{file}.py"), *options, "--json", str(path)]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  # our own command
        if not path.exists():
            raise subprocess.CalledProcessError(done.returncode, command)
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def tables(name: str, found: dict[str, Any]) -> str:
    """Format the tables of a question, and where they come from."""
    report = importlib.import_module(QUESTIONS[name][0]).report(found["rows"])
    return sections([describe_run(found), report])


def replace_tables(page: Path, found: Found) -> None:
    """Put the tables between the marks of a page."""
    text = page.read_text()
    parts = {name: tables(name, found[name]) for name in QUESTIONS if name in found}
    parts["machine"] = describe_machines(found.values())
    for name, part in parts.items():
        marks = f"<!-- figures: {name} -->", f"<!-- end: {name} -->"
        between = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        whole = f"{marks[0]}\n\n{part}\n\n{marks[1]}".replace("\\", r"\\")
        text = between.sub(whole, text)
    page.write_text(text)


def measure(given: argparse.Namespace, found: Found) -> None:
    """Ask each question that was chosen; print its tables and keep its figures at once."""
    for name in given.only or QUESTIONS:
        began = time.perf_counter()
        try:
            found[name] = ask(name, brief=given.brief, priority=given.priority)
        except subprocess.CalledProcessError as error:  # the others are still worth asking
            print(f"!! {name}: {error}", file=sys.stderr)
            continue
        print(f"\n## {name}\n\n{tables(name, found[name])}", flush=True)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        keep(given.json, found)


def main() -> None:
    """Measure, or format what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--brief", action="store_true", help="few rounds and short streams")
    parser.add_argument("--priority", action="store_true", help="run before other work (root only)")
    parser.add_argument("--only", action="append", choices=list(QUESTIONS), help="may be repeated")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument(
        "--docs",
        type=Path,
        action="append",
        default=[],
        help="a page whose tables are replaced; may be repeated",
    )
    parser.add_argument("--tables", type=Path, help="a file of figures to format")
    given = parser.parse_args()
    for page in given.docs:
        if not page.exists():
            parser.error(f"{page} does not exist: --docs needs a page with marks")
    if given.priority:
        ask_for_priority()  # child processes included
    kept = given.tables or (given.json if given.only else None)
    found: Found = json.loads(kept.read_text()) if kept is not None and kept.exists() else {}
    if given.tables is None:
        measure(given, found)
    else:
        print("\n\n".join(f"## {name}\n\n{tables(name, found[name])}" for name in found))
    for page in given.docs:
        replace_tables(page, found)


if __name__ == "__main__":
    main()

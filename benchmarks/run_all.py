"""
All questions about the speed of the client, one after another: ``python benchmarks/run_all.py``.

Takes about half an hour; ``--quick`` takes three minutes and is good for nothing but a first look.
The tables go to standard output; the figures, as JSON, to the folder ``--to``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from rounds import ask_for_priority

QUESTIONS = {
    "start-up": ("start_up.py",),
    "contexts": ("contexts.py",),
    "receiving": ("receiving.py",),
    "receiving-tls": ("receiving.py", "--tls"),
    "latency": ("latency.py",),
    "receiving-grid": ("receiving.py", "--grid", "--rounds", "5"),
}
QUICK = {
    "start_up.py": ("--rounds", "3"),
    "contexts.py": ("--batches", "4"),
    "receiving.py": ("--rounds", "1", "--frames", "20000"),
    "latency.py": ("--rounds", "1", "--seconds", "1"),
}


def main() -> None:
    """Ask each question in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--priority", action="store_true", help="on a machine that others use")
    parser.add_argument("--to", type=Path, help="a folder for the figures")
    given = parser.parse_args()
    if given.priority:
        ask_for_priority()
    if given.to is not None:
        given.to.mkdir(parents=True, exist_ok=True)
    for name, (script, *options) in QUESTIONS.items():
        if given.quick and "--grid" in options:
            continue
        command = [sys.executable, str(Path(__file__).parent / script), *options]
        command += QUICK[script] if given.quick else ()
        command += ["--json", str(given.to / f"{name}.json")] if given.to is not None else []
        print(f"\n## {name}\n", flush=True)
        subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    main()

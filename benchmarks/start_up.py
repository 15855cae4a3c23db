"""What does importing the client add to ``import trio``, and how large is what is installed?

``python benchmarks/start_up.py``. Each import has a process of its own, in turns, with the bytecode
compiled beforehand, as pip leaves it. The goals are in CPU time, and for ``Cartesia``: the package
alone loads next to nothing until a name is used.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from harness.results import Measure, Row, middle, row, rows_of
from harness.rounds import ask
from harness.tables import at_most, full, only, sections, table, text

CODE = (
    "{before}\nimport time, sys\ncpu, wall, old = time.process_time(), time.perf_counter(), "
    "len(sys.modules)\n{statement}\nprint(1000 * (time.process_time() - cpu), "
    "1000 * (time.perf_counter() - wall), len(sys.modules) - old)"
)
IMPORTS = {
    "import trio": ("", "import trio"),
    "import trio_cartesia": ("", "import trio_cartesia"),
    "from trio_cartesia import Cartesia, after trio": (
        "import trio",
        "from trio_cartesia import Cartesia",
    ),
    "from trio_cartesia import Cartesia": ("", "from trio_cartesia import Cartesia"),
    "import cartesia": ("", "import cartesia"),
}
OURS, THEIRS = "from trio_cartesia import Cartesia, after trio", "import cartesia"
MOST_MS = 60
MOST_OF_THEIRS = 0.25
PACKAGES = {
    "trio-cartesia": "trio_cartesia trio trio-websocket wsproto h11 attrs cattrs outcome "
    "sortedcontainers sniffio idna typing_extensions orjson pybase64 httpcore2 truststore",
    "cartesia": "cartesia httpx httpcore anyio pydantic pydantic_core distro certifi h11 idna "
    "sniffio typing_extensions typing_inspection annotated_types websockets",
}


FIELDS = ("cpu_ms", "wall_ms", "modules")


def time_imports(rounds: int) -> dict[str, list[Measure]]:
    """Return the figures of each import in each round."""
    found: dict[str, list[Measure]] = {name: [] for name in IMPORTS}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        for number in range(rounds + 1):  # the first compiles
            for name, (before, statement) in IMPORTS.items():
                code = CODE.format(before=before, statement=statement)
                done = subprocess.run(  # noqa: S603  # our own command
                    [sys.executable, "-c", code],
                    env=environment,
                    stdout=subprocess.PIPE,
                    text=True,
                    check=name != THEIRS,
                )
                if number and done.stdout:
                    values = map(float, done.stdout.split())
                    found[name].append(dict(zip(FIELDS, values, strict=True)))
    return {name: measures for name, measures in found.items() if measures}


def installed_bytes(names: str) -> int:
    """Return the size of these packages' files, without compiled bytecode."""
    total = 0
    for name in names.split():
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue
        places = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
        total += sum(place.stat().st_size for place in places if place.is_file())
    return total


def measure(given: argparse.Namespace) -> list[Row]:
    """Return a row a statement, and a row a package."""
    found = time_imports(given.rounds)
    rows = rows_of((({"statement": name}, each) for name, each in found.items()), "cpu_ms")
    for name, packages in PACKAGES.items():
        rows.append(row([{"installed_bytes": installed_bytes(packages)}], package=name))
    return rows


def report(rows: list[Row]) -> str:
    """Format the tables."""
    found = {row["statement"]: row for row in rows if "statement" in row}
    columns = {"CPU ms": full("cpu_ms"), "clock ms": full("wall_ms"), "modules": only("modules")}
    packages = [row for row in rows if "package" in row]
    added = middle(found[OURS], "cpu_ms")
    lines = [at_most("added to Trio", added, MOST_MS, " ms")]
    if THEIRS in found:
        part = added / middle(found[THEIRS], "cpu_ms")
        lines.append(at_most(f"to `{THEIRS}`", part, MOST_OF_THEIRS))
    return sections([
        table(found.values(), "statement", lambda row: f"`{row['statement']}`", columns),
        table(packages, "installed", text("package"), {"MB": only("installed_bytes", 1e-6)}),
        "\n".join(lines),
    ])  # fmt: skip


if __name__ == "__main__":
    ask(__doc__, measure, report, rounds=15)

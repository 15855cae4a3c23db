"""What does ``import trio_cartesia`` add to ``import trio``, and how large is what is installed?

``python benchmarks/start_up.py``. Each import has a process of its own, in turns; what counts is
the processor's time, with the bytecode compiled beforehand, as pip leaves it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from results import Row, full, keep, middle, only, row, table, verdict
from rounds import begin, options

CODE = (
    "{before}\nimport time, sys\ncpu, wall, old = time.process_time(), time.perf_counter(), "
    "len(sys.modules)\n{statement}\nprint(1000 * (time.process_time() - cpu), "
    "1000 * (time.perf_counter() - wall), len(sys.modules) - old)"
)
IMPORTS = {
    "import trio": ("", "import trio"),
    "import trio_cartesia, after trio": ("import trio", "import trio_cartesia"),
    "import trio_cartesia": ("", "import trio_cartesia"),
    "import cartesia": ("", "import cartesia"),
}
OURS, THEIRS = "import trio_cartesia, after trio", "import cartesia"
MOST_MS = 60
MOST_OF_THEIRS = 0.25
PACKAGES = {
    "trio-cartesia": "trio_cartesia trio trio-websocket wsproto h11 attrs cattrs outcome "
    "sortedcontainers sniffio idna typing_extensions orjson pybase64",
    "cartesia": "cartesia httpx httpcore anyio pydantic pydantic_core distro certifi h11 idna "
    "sniffio typing_extensions typing_inspection annotated_types websockets",
}


def measure(rounds: int) -> dict[str, list[tuple[float, ...]]]:
    """Return the processor's time, the clock's and the modules of each import, of each round."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in IMPORTS}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        for number in range(rounds + 1):  # the first compiles
            for name, (before, statement) in IMPORTS.items():
                code = CODE.format(before=before, statement=statement)
                done = subprocess.run(  # noqa: S603
                    [sys.executable, "-c", code],
                    env=environment,
                    stdout=subprocess.PIPE,
                    text=True,
                    check=name != THEIRS,
                )
                if number and done.stdout:
                    found[name].append(tuple(map(float, done.stdout.split())))
    return {name: measures for name, measures in found.items() if measures}


def installed_bytes(names: str) -> int:
    """Return the size of all files of these packages, without compiled bytecode."""
    total = 0
    for name in names.split():
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue
        places = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
        total += sum(place.stat().st_size for place in places if place.is_file())
    return total


def rows_of_all(rounds: int) -> list[Row]:
    """Measure, and return a row a statement, and a row a package."""
    names = ("cpu_ms", "wall_ms", "modules")
    rows = [
        row([dict(zip(names, each, strict=True)) for each in measures], statement=name)
        for name, measures in measure(rounds).items()
    ]
    for name, packages in PACKAGES.items():
        rows.append(row([{"installed_bytes": installed_bytes(packages)}], package=name))
    return rows


def report(rows: list[Row]) -> str:
    """Write the tables."""
    found = {row["statement"]: row for row in rows if "statement" in row}
    columns = {"CPU ms": full("cpu_ms"), "by the clock, ms": full("wall_ms")}
    columns["modules"] = only("modules")
    imports = table(found.values(), "statement", lambda row: f"`{row['statement']}`", columns)
    packages = [row for row in rows if "package" in row]
    sizes = {"MB": only("installed_bytes", 1e-6)}
    installed = table(packages, "installed", lambda row: str(row["package"]), sizes)
    added = middle(found[OURS], "cpu_ms")
    lines = [verdict(f"adds {added:.1f} ms; at most {MOST_MS}", is_met=added <= MOST_MS)]
    if THEIRS in found:
        part = added / middle(found[THEIRS], "cpu_ms")
        text = f"{part:.2f} times `{THEIRS}`; at most {MOST_OF_THEIRS}"
        lines.append(verdict(text, is_met=part <= MOST_OF_THEIRS))
    return "\n\n".join([imports, installed, "\n".join(lines)])


def main() -> None:
    """Measure, and print the tables."""
    given = begin(options(__doc__, rounds=15))
    rows = rows_of_all(given.rounds)
    print(report(rows))
    keep(given.json, rows)


if __name__ == "__main__":
    main()

"""
What does ``import trio_cartesia`` add to ``import trio``, and how large is what is installed?

``python benchmarks/start_up.py``. Each import has a process of its own, in turns; what counts is
the processor's time, with the bytecode compiled beforehand, as pip leaves it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from rounds import write_json

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


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json")
    given = parser.parse_args()
    found = measure(given.rounds)
    print("| statement | CPU ms | spread | by the clock | modules |\n|---|---:|---:|---:|---:|")
    middle: dict[str, float] = {}
    for name, measures in found.items():
        cpu, wall, modules = (statistics.median(column) for column in zip(*measures, strict=True))
        lower, _, upper = statistics.quantiles([each[0] for each in measures], n=4)
        middle[name] = cpu
        print(f"| `{name}` | {cpu:.1f} | {upper - lower:.1f} | {wall:.1f} | {modules:.0f} |")
    sizes: dict[str, Any] = {name: installed_bytes(names) for name, names in PACKAGES.items()}
    for name, size in sizes.items():
        print(f"\n{name}, with what it needs: {size / 1e6:.1f} MB installed")
    added = middle[OURS]
    print(f"\n{'met' if added <= MOST_MS else 'MISSED'}: adds {added:.1f} ms, at most {MOST_MS}")
    if THEIRS in middle:
        part = added / middle[THEIRS]
        said = "met" if part <= MOST_OF_THEIRS else "MISSED"
        print(f"{said}: {part:.2f} x import cartesia, at most {MOST_OF_THEIRS}")
    write_json(given.json, {"imports": found, "installed_bytes": sizes})


if __name__ == "__main__":
    main()

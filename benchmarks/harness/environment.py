"""The environment of figures: the commit, the command, the machine and the libraries."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from harness.results import Row

ROOT: Final = Path(__file__).parents[2]
LIBRARIES: Final = (
    "trio-cartesia",
    "trio",
    "trio-websocket",
    "wsproto",
    "orjson",
    "pybase64",
    "cartesia",
    "websockets",
    "picows",
)
Figures = dict[str, Any]  # of one question: commit, command, machine, rows


def figures(rows: list[Row]) -> Figures:
    """Return rows with what they depend on."""
    return {"commit": commit(), "command": command(), "machine": machine(), "rows": rows}


def commit() -> str:
    """Return the commit that is checked out, and whether the package differs from it."""
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--", "trio_cartesia")
    found = _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    return (found or "unknown") + ("-dirty" if changed else "")


def command() -> str:
    """Return the command line of this process, without the file for its figures."""
    words = [word for word in sys.argv[1:] if not word.startswith("--json=")]
    if "--json" in words:
        at = words.index("--json")
        del words[at : at + 2]
    return shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *words])


def machine() -> dict[str, Any]:
    """Return the machine and the versions of the libraries."""
    can_pin = hasattr(os, "sched_getaffinity")
    node = shutil.which("node")
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "node": _output(node, "--version").removeprefix("v") if node else None,
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "pinned": can_pin and (os.cpu_count() or 1) > 1,
        "priority": hasattr(os, "SCHED_RR") and os.sched_getscheduler(0) == os.SCHED_RR,
        "load_average": round(os.getloadavg()[0], 1),
        "libraries": {name: found for name in LIBRARIES if (found := installed(name))},
    }


def installed(name: str) -> str | None:
    """Return the version of a package, if it is installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def describe_machines(found: Iterable[Figures]) -> str:
    """Format what figures depend on, once for each machine and set of libraries."""
    texts = [_describe(each["machine"]) for each in found]
    return "\n\n".join(dict.fromkeys(texts))


def describe_run(found: Figures) -> str:
    """Format where the figures of one question come from, for the line above its tables."""
    rounds = {(row["rounds"], row["quiet"]) for row in found["rows"] if row["rounds"] > 1}
    halves = [f"{quiet} of {count}" if quiet < count else f"{count}" for count, quiet in rounds]
    how = f"medians of {' or '.join(sorted(halves))} rounds" if rounds else "at most one round"
    busy = found["machine"]["load_average"]
    return f"*Commit `{found['commit']}`, `{found['command']}`; {how}; load average {busy}.*"


def _describe(machine: dict[str, Any]) -> str:
    how = "pinned to one each" if machine["pinned"] else "not pinned"
    if machine["priority"]:
        how += ", before other work"
    libraries = [f"{name} {found}" for name, found in machine["libraries"].items() if found]
    return (
        f"{machine['machine']}, {machine['processors']} processors ({how}), {machine['python']}, "
        f"Node {machine['node'] or 'none'}.\n{', '.join(libraries)}."
    )


def _output(*words: str) -> str:
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  # our own command
    except OSError:
        return ""
    return done.stdout.strip()

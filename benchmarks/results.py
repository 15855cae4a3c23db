"""What the benchmarks find: rows of figures with their spread, Markdown tables of them, and JSON.

A row says what was measured (``client``, ``contexts``, ``bytes``, ...), in how many rounds, and has
the median and the extremes over the rounds of each figure. Tables and plots are made of rows alone,
so those in the documentation can be made again from the JSON that a run has kept.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]
Cell = Callable[[Row], str]

OURS: Final = "trio_cartesia"
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


def summary(values: Iterable[float]) -> dict[str, float]:
    """Return the median and the extremes, to five digits."""
    found = sorted(values)
    parts = {"median": statistics.median(found), "min": found[0], "max": found[-1]}
    return {name: float(f"{value:.5g}") for name, value in parts.items()}


def row(measures: Sequence[dict[str, float]], **where: Any) -> Row:
    """Return the row of these rounds, which were of *where*."""
    figures = {field: summary(each[field] for each in measures) for field in measures[0]}
    return {**where, "rounds": len(measures), **figures}


def pick(rows: Iterable[Row], **where: Any) -> list[Row]:
    """Return the rows that are of *where*."""
    return [row for row in rows if all(row.get(name) == value for name, value in where.items())]


def kinds(rows: Iterable[Row], name: str) -> list[Any]:
    """Return the values that a part of *where* has in these rows, each once, in their order."""
    return list(dict.fromkeys(row[name] for row in rows))


def middle(found: Row, field: str) -> float:
    """Return the median of a figure."""
    return float(found[field]["median"])


def number(value: float) -> str:
    """Write a figure with three digits, or all before the point."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.01 else 4}f}"


def only(field: str, scale: float = 1) -> Cell:
    """Return what writes the median of a figure."""
    return lambda row: number(scale * middle(row, field)) if field in row else ""


def spread(field: str, scale: float = 1) -> Cell:
    """Return what writes a figure's extremes."""
    return lambda row: (
        " to ".join(number(scale * row[field][end]) for end in ("min", "max"))
        if field in row
        else ""
    )


def full(field: str, scale: float = 1) -> Cell:
    """Return what writes a figure's median, and its extremes behind it."""
    median, extremes = only(field, scale), spread(field, scale)
    return lambda row: f"{median(row)} ({extremes(row)})" if field in row else ""


def percent(field: str) -> Cell:
    """Return what writes a part as a percentage."""
    return lambda row: f"{100 * middle(row, field):.0f} %" if field in row else ""


def table(rows: Iterable[Row], head: str, first: Cell, columns: dict[str, Cell]) -> str:
    """Write a table with a line a row."""
    lines = [f"| {head} | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for each in rows:
        cells = [first(each), *(write(each) for write in columns.values())]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def pivot(rows: Sequence[Row], head: str, first: str, across: str, cell: Cell) -> str:
    """Write a table with a line for each value of *first* and a column for each of *across*."""
    columns = sorted(kinds(rows, across))
    lines = [f"| {head} | " + " | ".join(map(label, columns)) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for value in kinds(rows, first):
        found = {each[across]: cell(each) for each in pick(rows, **{first: value})}
        cells = (found.get(column, "") for column in columns)
        lines.append(f"| {label(value)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def label(value: Any) -> str:
    """Write what a line or a column is of."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def verdict(text: str, *, is_met: bool) -> str:
    """Say whether a goal was met."""
    return f"- {'met' if is_met else 'MISSED'}: {text}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    can_pin = hasattr(os, "sched_getaffinity")
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "node": _node(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "pinned": can_pin and (os.cpu_count() or 1) > 1,
        "priority": hasattr(os, "SCHED_RR") and os.sched_getscheduler(0) == os.SCHED_RR,
        "load_average": round(os.getloadavg()[0], 1),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def facts(found: dict[str, Any]) -> str:
    """Write what the figures depend on, one sentence a line."""
    names = [f"{name} {version}" for name, version in found["libraries"].items() if version]
    how = "pinned to one each" if found["pinned"] else "not pinned"
    if found["priority"]:
        how += ", before other work"
    return (
        f"{found['machine']}, {found['processors']} processors ({how}), "
        f"load average {found['load_average']} at the start, {found['python']}, "
        f"Node {found['node'] or 'none'}.\n"
        + ", ".join(names)
        + "."
        + ("\n**A first look alone, of one round each (`--quick`).**" if found.get("quick") else "")
    )


def _node() -> str | None:
    if (node := shutil.which("node")) is None:
        return None
    done = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    return done.stdout.strip().removeprefix("v")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def keep(path: str | None, rows: list[Row], **more: Any) -> None:
    """Write rows and what they depend on, if a file was asked for."""
    if path is not None:
        Path(path).write_text(dump({"machine": machine(), **more, "rows": rows}))


def dump(found: dict[str, Any]) -> str:
    """Write JSON with a line a row, which shows what has changed between two runs."""
    lines = []
    for name, value in found.items():
        if isinstance(value, list):
            inner = ",\n".join(f"  {json.dumps(each)}" for each in value)
            lines.append(f" {json.dumps(name)}: [\n{inner}\n ]")
        else:
            lines.append(f" {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"

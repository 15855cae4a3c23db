"""Rows of figures, which tables, plots and the documentation are made of.

A row names what was measured (``client``, ``contexts``, ...), has the number of rounds and of quiet
rounds, and for each figure the median over the quiet rounds and the extremes over all rounds.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]
Measure = dict[str, float]
Rounds = tuple[dict[str, Any], list[Measure]]  # what was measured, and a measure a round

OURS: Final = "trio_cartesia"


def quieter_half(rounds: Sequence[Sequence[Measure]], cost: str) -> list[int]:
    """Return which rounds were disturbed least, in their order; of seven rounds it is four.

    Those are the rounds in which all cases together cost least, each case relative to its own
    median. One choice serves all cases, so that no case has other rounds than its neighbour.

    Args:
        rounds: The measures of each case, a measure a round.
        cost: The figure that rises when the machine is disturbed.
    """
    medians = [statistics.median(each[cost] for each in measures) for measures in rounds]
    count = len(rounds[0])
    noise = [
        sum(
            measures[n][cost] / (median or 1)
            for measures, median in zip(rounds, medians, strict=True)
        )
        for n in range(count)
    ]
    quiet = sorted(range(count), key=noise.__getitem__)[: (count + 1) // 2]
    return sorted(quiet)


def row(measures: Sequence[Measure], quiet: Sequence[int] | None = None, **where: Any) -> Row:
    """Return the row of these rounds; *quiet* are those whose median counts, None means all."""
    chosen = range(len(measures)) if quiet is None else quiet
    figures = {}
    for field in measures[0]:
        values = [each[field] for each in measures]
        parts = {
            "median": statistics.median(values[n] for n in chosen),
            "min": min(values),
            "max": max(values),
        }
        figures[field] = {name: float(f"{value:.5g}") for name, value in parts.items()}
    return {**where, "rounds": len(measures), "quiet": len(chosen), **figures}


def rows_of(found: Iterable[Rounds], cost: str) -> list[Row]:
    """Return a row for each case of cases that took turns, over the quieter half of the rounds."""
    cases = list(found)
    quiet = quieter_half([measures for _, measures in cases], cost)
    return [row(measures, quiet, **where) for where, measures in cases]


def pick(rows: Iterable[Row], **where: Any) -> list[Row]:
    """Return the rows with these values."""
    return [row for row in rows if all(row.get(name) == value for name, value in where.items())]


def kinds(rows: Iterable[Row], name: str) -> list[Any]:
    """Return the distinct values that a field has in these rows, in order of appearance."""
    return list(dict.fromkeys(row[name] for row in rows if name in row))


def middle(found: Row, field: str) -> float:
    """Return the median of a figure."""
    return float(found[field]["median"])


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return the value that a part of the ordered values does not exceed."""
    return ordered[int(part * (len(ordered) - 1))]


def keep(path: str | Path | None, found: dict[str, Any]) -> None:
    """Write figures as JSON, if a file was asked for."""
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(dump(found))


def dump(found: dict[str, Any]) -> str:
    """Format JSON with a line a row, so that a diff shows what changed between two runs."""
    lines: list[str] = []

    def mark(value: Any) -> str:
        lines.append(json.dumps(value))
        return f"@{len(lines) - 1}@"

    def shorten(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: mark(v) if k == "machine" else shorten(v) for k, v in value.items()}
        return [mark(each) for each in value] if isinstance(value, list) else value

    text = json.dumps(shorten(found), indent=1)
    return re.sub(r'"@(\d+)@"', lambda found: lines[int(found[1])], text) + "\n"

"""Markdown tables of rows, and lines that compare a figure with its goal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.results import Row, kinds, middle, pick

Cell = Callable[[Row], str]


def number(value: float) -> str:
    """Format a figure with three digits, or all before the point."""
    size = abs(value)
    return f"{value:,.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.01 else 4}f}"


def only(field: str, scale: float = 1) -> Cell:
    """Return a cell with the median of a figure."""
    return lambda row: number(scale * middle(row, field)) if field in row else ""


def spread(field: str, scale: float = 1) -> Cell:
    """Return a cell with the extremes of a figure."""
    return lambda row: (
        " to ".join(number(scale * row[field][end]) for end in ("min", "max"))
        if field in row
        else ""
    )


def full(field: str, scale: float = 1) -> Cell:
    """Return a cell with the median of a figure, and its extremes in parentheses."""
    median, extremes = only(field, scale), spread(field, scale)
    return lambda row: f"{median(row)} ({extremes(row)})" if field in row else ""


def percent(field: str) -> Cell:
    """Return a cell with a fraction as a percentage."""
    return lambda row: f"{100 * middle(row, field):.0f} %" if field in row else ""


def text(field: str) -> Cell:
    """Return a cell with a field that is no figure."""
    return lambda row: label(row[field])


def label(value: Any) -> str:
    """Format the heading of a line or a column."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def table(rows: Iterable[Row], head: str, first: Cell, columns: dict[str, Cell]) -> str:
    """Format a table with a line a row."""
    lines = [f"| {head} | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for each in rows:
        cells = [first(each), *(write(each) for write in columns.values())]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def pivot(rows: Sequence[Row], head: str, first: str, across: str, cell: Cell) -> str:
    """Format a table with a line for each value of *first* and a column for each of *across*."""
    columns = sorted(kinds(rows, across))
    lines = [f"| {head} | " + " | ".join(map(label, columns)) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for value in kinds(rows, first):
        found = {each[across]: cell(each) for each in pick(rows, **{first: value})}
        cells = (found.get(column, "") for column in columns)
        lines.append(f"| {label(value)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(text: str, *, is_met: bool) -> str:
    """Format whether a goal was met."""
    return f"- {'met' if is_met else 'MISSED'}: {text}"


def at_most(name: str, found: float, most: float, unit: str = "") -> str:
    """Compare a figure with the most that it may be."""
    words = f"{name}: {number(found)}{unit}; at most {number(most)}{unit}"
    return verdict(words, is_met=found <= most)


def sections(parts: Iterable[str]) -> str:
    """Join the parts of a report that are not empty."""
    return "\n\n".join(part for part in parts if part)

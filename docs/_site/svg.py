"""Pictures as SVG inside a page, so that they follow its colours; each with a text alternative."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from docutils import nodes

CHARACTER: Final = 6.7  # the width of one, of 12 pixels, in the fonts of the theme
HEAD: Final = 30
ROW: Final = 28
LEAST_WIDTH: Final = 600

Row = tuple[int, int, str]  # from a column, to a column, a label


def figure(
    title: str, description: str, size: tuple[float, float], parts: Iterable[str], after: str = ""
) -> nodes.raw:
    """Return a picture with its *title* and *description* for those who do not see it."""
    width, height = size
    style = f"width: {width:g}px; min-width: {min(width, 1.1 * LEAST_WIDTH):g}px"
    text = (
        '<figure class="drawn">'
        '<div class="scrolled" role="group" tabindex="0">'
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" style="{style}" '
        f'aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
        f"</div><figcaption>{escape(title)}</figcaption>{after}</figure>"
    )
    return nodes.raw("", text, format="html")


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    """Return one line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def box(x: float, y: float, width: float, height: float, kind: str = "") -> str:
    """Return a rectangle with round corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
        f'class="{kind}"/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "") -> str:
    """Return a straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _arrow(x1: float, x2: float, y: float) -> str:
    tip = -6 if x2 > x1 else 6
    return (
        line(x1, y, x2 + tip / 2, y, "arrow")
        + f'<path d="M{x2:.1f},{y:.1f} l{tip},-4 v8 z" class="tip"/>'
    )


def _loop(x: float, y: float) -> str:
    return (
        f'<path d="M{x:.1f},{y - 7:.1f} h16 v14 h-10" class="arrow loop"/>'
        f'<path d="M{x:.1f},{y + 7:.1f} l6,-4 v8 z" class="tip"/>'
    )


def _middles(columns: Sequence[str], rows: Sequence[Row], left: float) -> list[float]:
    """Place columns as near to each other as their names and the labels between them allow."""
    halves = [len(name) * CHARACTER / 2 + 10 for name in columns]
    middles = [left + halves[0]]
    for column in range(1, len(columns)):
        least = middles[-1] + halves[column - 1] + halves[column] + 10
        for one, two, label in rows:
            if one != two and max(one, two) == column:
                least = max(least, middles[min(one, two)] + len(label) * CHARACTER + 20)
            if one == two == column - 1:
                least = max(least, middles[-1] + len(label) * CHARACTER + 34)
        middles.append(least)
    stretch = max(1, LEAST_WIDTH / middles[-1])
    return [middles[0] + (x - middles[0]) * stretch for x in middles]


def sequence(
    title: str, columns: Sequence[str], rows: Sequence[Row], *, margin: Sequence[str] = ()
) -> nodes.raw:
    """Draw arrows between columns, one below the other, with an optional text left of each."""
    left = max(map(len, margin)) * CHARACTER + 10 if margin else 0
    middles = _middles(columns, rows, left)
    last = [
        len(label) * CHARACTER + 30 for one, two, label in rows if one == two == len(columns) - 1
    ]
    width = middles[-1] + max([len(columns[-1]) * CHARACTER / 2 + 12, *last])
    height = HEAD + ROW * len(rows) + 14
    parts = [line(x, HEAD, x, height - 4, "life") for x in middles]
    for x, name in zip(middles, columns, strict=True):
        half = len(name) * CHARACTER / 2 + 10
        parts += [box(x - half, 1, 2 * half, HEAD - 4, "head"), text(x, HEAD - 11, name, "name")]
    for number, (source, target, label) in enumerate(rows):
        y, x1, x2 = HEAD + ROW * (number + 1) - 6, middles[source], middles[target]
        if margin:
            parts.append(text(4, y + 4, margin[number], "quiet", "start"))
        if source == target:
            parts += [_loop(x1, y), text(x1 + 24, y + 4, label, "label", "start")]
        else:
            parts += [_arrow(x1, x2, y), text((x1 + x2) / 2, y - 5, label, "label")]
    described = [
        f"{columns[source]} to {columns[target]}: {label}." for source, target, label in rows
    ]
    return figure(title, " ".join(described), (width, height), parts)


def levels(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str, list[list[str]]]]
) -> nodes.raw:
    """Draw rows of boxes, the first one at the top, in columns."""
    room, left = 330.0, 34.0
    parts = [text(left + room * (n + 0.5), 16, name, "name") for n, name in enumerate(columns)]
    y = 28.0
    described = []
    for label, cells in rows:
        deepest = y
        for number, cell in enumerate(cells):
            x, top = left + room * number, y
            for name in cell:
                width = len(name) * CHARACTER + 14
                if x + width > left + room * (number + 1) - 6:
                    x, top = left + room * number, top + 28
                parts += [box(x, top, width, 23, "head"), text(x + width / 2, top + 16, name)]
                x += width + 6
            deepest = max(deepest, top)
        parts += [text(4, y + 16, label, "quiet", "start")]
        described.append(f"Level {label}: {', '.join(name for cell in cells for name in cell)}.")
        y = deepest + 36
        parts.append(line(0, y - 7, left + room * len(columns), y - 7, "life"))
    size = (left + room * len(columns), y - 6)
    return figure(title, " ".join(described), size, parts)

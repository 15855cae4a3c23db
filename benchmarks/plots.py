"""Draw how costs grow, from the figures that ``run_all.py --json`` has written.

``python benchmarks/plots.py`` draws the pictures of the documentation; it needs matplotlib (group
``bench``). Pictures are transparent with colours of middle lightness, for light and dark pages.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import matplotlib.ticker
from harness.growth import Point, fit, words
from harness.results import OURS, Row, kinds, middle, pick
from harness.tables import label

DOCS: Final = Path(__file__).parent.parent / "docs/reference/performance"
GREY: Final = "#808080"
COLOURS: Final = {
    OURS: "#e8590c",
    "official async": "#3b82d6",
    "official sync": "#7c6fe0",
    "official JS": "#2f9e5b",
    "bare websockets": "#b07d2b",
    "bare trio-websocket": "#c2569b",
    "picows": "#17929c",
    "break": "#e8590c",
    "scope": "#3b82d6",
    "cancel()": "#2f9e5b",
}
STYLE: Final = {
    "font.size": 9,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.titlecolor": GREY,
    "axes.titlesize": 9,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "savefig.transparent": True,
    "savefig.dpi": 110,
}
Curves = dict[str, list[Row]]


def curves(rows: Sequence[Row], name: str) -> Curves:
    """Return the rows of each client, or of another field's values."""
    return {value: pick(rows, **{name: value}) for value in kinds(rows, name) if value in COLOURS}


def draw(axes: Any, found: Curves, x: str, y: str, scale: float = 1, *, logs: bool = False) -> None:
    """Draw named curves with their spread, and a fitted curve for our own."""
    ends = []
    for name, some in found.items():
        rows = sorted(some, key=lambda row: row[x])
        points: list[Point] = [(row[x], scale * middle(row, y)) for row in rows]
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        lows, highs = ([scale * row[y][end] for row in rows] for end in ("min", "max"))
        colour, width = COLOURS[name], 2.2 if name == OURS else 1.3
        axes.plot(xs, ys, "o-", color=colour, lw=width, ms=3.5)
        axes.fill_between(xs, lows, highs, color=colour, alpha=0.2, lw=0)
        ends.append((ys[-1], name, colour, xs[-1]))
        if name == OURS and len(points) > 2:
            nearest = fit(points)
            axes.plot(xs, [nearest.at(n) for n in xs], ":", color=GREY, lw=1.2)
            axes.set_title(f"dotted: {words(nearest)}", loc="left")
    axes.set_xscale("log", base=2)
    ticks = sorted({row[x] for rows in found.values() for row in rows})
    axes.set_xticks(ticks, [label(tick) for tick in ticks])
    if logs:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.set_ylim(bottom=0)
    axes.minorticks_off()
    name_ends(axes, ends)


def name_ends(axes: Any, ends: list[tuple[float, str, str, float]]) -> None:
    """Write each curve's name behind its end, without overlaps."""
    axes.figure.canvas.draw()
    height, lowest = 11 * axes.figure.dpi / 72, float("-inf")
    for y, name, colour, x in sorted(ends):
        place = axes.transData.transform((x, y))[1]
        lowest = max(place, lowest + height)
        offset = (lowest - place) * 72 / axes.figure.dpi
        axes.annotate(
            name,
            (x, y),
            xytext=(6, offset),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def picture(name: str, folder: Path, panels: Sequence[dict[str, Any]]) -> None:
    """Draw panels side by side, and keep them as a file."""
    size = (4.6 * len(panels), 3.1)
    figure, all_axes = plt.subplots(1, len(panels), figsize=size, squeeze=False)
    figure.subplots_adjust(left=0.5 / size[0], right=1 - 1.15 / size[0], bottom=0.15, wspace=0.62)
    for axes, panel in zip(all_axes[0], panels, strict=True):
        axes.set_xlabel(panel.pop("xlabel"))
        axes.set_ylabel(panel.pop("ylabel"))
        draw(axes, **panel)
    path = folder / f"{name}.png"
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)
    print(f"{path}: {path.stat().st_size:,} bytes")


COST: Final = {"y": "cpu_us", "ylabel": "CPU µs a frame"}


def contexts(rows: list[Row], folder: Path) -> None:
    """Draw the cost of a frame against contexts."""
    for size in kinds(rows, "bytes"):
        found = curves(pick(rows, tls=False, bytes=size), "client")
        xlabel = f"contexts, {size // 1024} KiB of audio a frame"
        panel = {"found": found, "x": "contexts", "xlabel": xlabel, "logs": True, **COST}
        picture(f"contexts-{size // 1024}k", folder, [panel])


def frames(rows: list[Row], folder: Path) -> None:
    """Draw cost and memory against the length of the stream."""
    cost_and_memory(rows, folder, "frames", "peak_bytes", "MB, peak of the process")


def connections(rows: list[Row], folder: Path) -> None:
    """Draw cost and memory against connections."""
    cost_and_memory(rows, folder, "connections", "connected_bytes", "MB, all of them idle")


def cost_and_memory(rows: list[Row], folder: Path, x: str, memory: str, held: str) -> None:
    """Draw the cost of a frame, and memory."""
    found = curves(rows, "client")
    panels: list[dict[str, Any]] = [COST, {"y": memory, "ylabel": held, "scale": 1e-6}]
    picture(x, folder, [{"found": found, "x": x, "xlabel": x, **panel} for panel in panels])


def cancelling(rows: list[Row], folder: Path) -> None:
    """Draw the cost of leaving a context."""
    found, x = curves(rows, "way"), {"x": "contexts", "xlabel": "contexts"}
    panels = [
        {"y": "receipt_p50_us", "ylabel": "µs until the peer receives it, p50"},
        {"y": "cpu_us", "ylabel": "CPU µs each, all at once"},
    ]
    picture("cancelling", folder, [{"found": found, **x, **panel} for panel in panels])


def pushing(rows: list[Row], folder: Path) -> None:
    """Draw the cost of a push."""
    panel = {"found": curves(rows, "client"), "x": "contexts", "xlabel": "contexts"}
    picture("pushing", folder, [{**panel, "y": "cpu_us", "ylabel": "CPU µs a push"}])


PICTURES: Final = {
    "contexts_sweep": contexts,
    "frames_sweep": frames,
    "connections_sweep": connections,
    "cancelling": cancelling,
    "pushing": pushing,
}


def main() -> None:
    """Draw every picture that there are figures for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=DOCS / "figures.json")
    parser.add_argument("--to", type=Path, default=DOCS)
    given = parser.parse_args()
    found, folder = json.loads(given.json.read_text()), given.to
    folder.mkdir(parents=True, exist_ok=True)
    mpl.rcParams.update(STYLE)
    for name, paint in PICTURES.items():
        if name in found:
            paint(found[name]["rows"], folder)


if __name__ == "__main__":
    main()

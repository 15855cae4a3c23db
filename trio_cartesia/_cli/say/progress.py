"""Progress on standard error: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from trio_cartesia._cli.console import print_note
from trio_cartesia._cli.display import QUIET, may_draw, shown
from trio_cartesia._cli.say.report import Report, State

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_progress"]

REFRESH_SECONDS: Final = 0.1
STYLES: Final = {
    State.WAITING: "dim",
    State.SPEAKING: "cyan",
    State.DONE: "green",
    State.INTERRUPTED: "yellow",
    State.FAILED: "red",
}


@asynccontextmanager
async def show_progress(reports: Sequence[Report], *, live: bool) -> AsyncIterator[None]:
    """Show the progress of the texts while the block runs.

    Args:
        reports: One for each text; other tasks update them.
        live: Redraw the lines in place if standard error is a terminal.
    """
    show = _show_live if live and may_draw() else _show_plain
    async with shown(partial(show, reports)):
        yield


async def _show_plain(reports: Sequence[Report]) -> None:
    quiet = list(reports)
    while quiet:
        for report in [report for report in quiet if report.first_audio_seconds is not None]:
            quiet.remove(report)
            print_note(f"{report.name}: speaking")
        await trio.sleep(REFRESH_SECONDS)


async def _show_live(reports: Sequence[Report]) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(
        _table(reports),
        console=console,
        **QUIET,
    ) as display:
        while True:
            await trio.sleep(REFRESH_SECONDS)
            display.update(_table(reports), refresh=True)


def _table(reports: Sequence[Report]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for report in reports:
        table.add_row(
            Text(report.name),  # not markup: names may have brackets
            f"{report.audio_seconds:.1f} s",
            Text(report.state.value, style=STYLES[report.state]),
        )
    return table

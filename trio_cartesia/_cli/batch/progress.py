"""Progress of a batch on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import attrs
import trio

from trio_cartesia._cli.console import print_note
from trio_cartesia._cli.display import QUIET, may_draw, shown
from trio_cartesia.batch import BatchStatistics

__all__ = ["Pace", "show_progress"]

REFRESH_SECONDS: Final = 0.1
LINE_SECONDS: Final = 5.0


@asynccontextmanager
async def show_progress(statistics: Callable[[], BatchStatistics]) -> AsyncIterator[None]:
    """Show the progress of a batch while the block runs."""
    show = _show_bar if may_draw() else _show_lines
    async with shown(partial(show, statistics)):
        yield


@attrs.define(eq=False)
class Pace:
    """How fast a batch goes.

    Attributes:
        per_second: Items that have ended, per second; 0 as long as none has.
        seconds_left: The time for the rest at this rate; None while it is unknown.
    """

    per_second: float = attrs.field(default=0.0, init=False)
    seconds_left: float | None = attrs.field(default=None, init=False)
    _began_at: float = attrs.field(factory=trio.current_time, init=False)

    def update(self, now: BatchStatistics) -> None:
        """Take the statistics of this moment into account."""
        ended = now.done + now.failed + now.unfinished
        seconds = trio.current_time() - self._began_at
        if ended and seconds > 0:
            self.per_second = ended / seconds
            self.seconds_left = (now.waiting + now.speaking) / self.per_second

    def __str__(self) -> str:
        if self.seconds_left is None:
            return ""
        minutes, seconds = divmod(round(self.seconds_left), 60)
        left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        return f"{self.per_second:.1f} a second, {left} left"


def _ended(now: BatchStatistics) -> int:
    return now.items - now.waiting - now.speaking


async def _show_lines(statistics: Callable[[], BatchStatistics]) -> None:
    pace = Pace()
    while True:
        await trio.sleep(LINE_SECONDS)
        now = statistics()
        pace.update(now)
        failed = now.failed + now.failed_earlier
        parts = [f"{_ended(now)} of {now.items} texts", f"{failed} failed" if failed else ""]
        print_note(", ".join(filter(None, (*parts, str(pace)))))


async def _show_bar(statistics: Callable[[], BatchStatistics]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    pace = Pace()
    with Progress(
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        **QUIET,
    ) as bar:
        task = bar.add_task("", total=statistics().items)
        while True:
            now = statistics()
            pace.update(now)
            bar.update(task, completed=_ended(now), description=str(pace))
            bar.refresh()
            await trio.sleep(REFRESH_SECONDS)

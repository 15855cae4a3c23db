"""A bar for uploads, on terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trio_cartesia._cli.display import QUIET, may_draw

__all__ = ["show_upload"]


@contextmanager
def show_upload(name: str) -> Iterator[Callable[[int, int | None], object] | None]:
    """Show a bar for the block, if standard error is a terminal; yield what updates it."""
    if not may_draw():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        **QUIET,
    ) as bar:
        task = bar.add_task(Path(name).name.replace("[", r"\["), total=None)

        def update(sent_bytes: int, size_bytes: int | None) -> None:
            bar.update(task, completed=sent_bytes, total=size_bytes, refresh=True)

        yield update

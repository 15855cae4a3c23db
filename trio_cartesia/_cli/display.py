"""What is shown on standard error while a command works."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypedDict

import trio

from trio_cartesia._cli.console import is_quiet

__all__ = ["QUIET", "may_draw", "shown"]


class _Quiet(TypedDict):
    auto_refresh: bool
    transient: bool
    redirect_stdout: bool
    redirect_stderr: bool


QUIET: Final = _Quiet(  # of what Rich draws
    auto_refresh=False,  # it would use a thread
    transient=True,  # the summary replaces it
    redirect_stdout=False,
    redirect_stderr=False,
)


def may_draw() -> bool:
    """Return whether standard error is a terminal, and is to show what a command does."""
    return sys.stderr is not None and sys.stderr.isatty() and not is_quiet.get()


@asynccontextmanager
async def shown(show: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run *show* while the block runs."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(show)
        yield
        nursery.cancel_scope.cancel("there is no more to show")

"""Ctrl-C and SIGTERM cancel the work, so that it closes its files and connections."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import trio

__all__ = ["run_until_signalled"]

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


async def run_until_signalled(work: Callable[[], Awaitable[int]]) -> int:
    """Run *work* and return its exit code, or 128 plus the number of the signal that cancelled it.

    A second signal ends the process at once. Signals are received rather than raised as
    KeyboardInterrupt, which could interrupt the writing of a file at any step.
    """
    caught: list[int] = []
    code, failure = 0, None
    with trio.open_signal_receiver(*SIGNALS) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_at_signal, signals, nursery.cancel_scope, caught)
            try:
                code = await work()
            except Exception as error:  # noqa: BLE001  # raised again below, without a group
                failure = error
            nursery.cancel_scope.cancel("the work is done")
    if failure is not None:
        raise failure
    return 128 + caught[0] if caught else code


async def _cancel_at_signal(
    signals: AsyncIterator[int], scope: trio.CancelScope, caught: list[int]
) -> None:
    async for number in signals:
        caught.append(number)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        scope.cancel("a signal was received")
        break

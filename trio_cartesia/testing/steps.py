"""Virtual time, and cancellation at each step."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec

import attrs
import trio
from trio.testing import MockClock

__all__ = ["LONGEST_SECONDS", "cancelled_at_each_step", "on_virtual_time"]

LONGEST_SECONDS: Final = 3600.0  # of virtual time, until a test fails

P = ParamSpec("P")


def on_virtual_time(async_fn: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make an asynchronous test synchronous: each call is a Trio run with its own virtual clock.

    The clock jumps to the next deadline whenever all tasks wait, so sleeping takes no time, and a
    deadlock raises `trio.TooSlowError` at once, after a virtual hour. Use it below Hypothesis'
    ``@given``, because each example needs a run of its own.
    """

    @wraps(async_fn)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            with trio.fail_after(LONGEST_SECONDS):
                await async_fn(*args, **kwargs)

        trio.run(main, clock=MockClock(autojump_threshold=0))

    return run


@attrs.define(eq=False)
class _CancelAtStep(trio.abc.Instrument):
    """Cancels *scope* before the step of *task* that follows *left* others."""

    task: trio.lowlevel.Task
    scope: trio.CancelScope
    left: int

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            if self.left == 0:
                self.scope.cancel("this is the step")
            self.left -= 1


async def cancelled_at_each_step(async_fn: Callable[[], Awaitable[object]]) -> int:
    """Call *async_fn* repeatedly, cancelled one step later each time, until it completes.

    A step is the work of the calling task from one suspension to the next.

    Returns:
        The number of calls; all but the last were cancelled.
    """
    task = trio.lowlevel.current_task()
    for number in itertools.count():  # pragma: no branch  # it has no end
        with trio.CancelScope() as scope:
            instrument = _CancelAtStep(task, scope, number)
            trio.lowlevel.add_instrument(instrument)
            try:
                await async_fn()
            finally:
                trio.lowlevel.remove_instrument(instrument)
        if not scope.cancelled_caught:
            break
    return number + 1

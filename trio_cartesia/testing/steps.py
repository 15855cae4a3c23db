"""
Time and steps under a test's control.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec

import attrs
import trio
from trio.testing import MockClock

__all__ = ["LONGEST_SECONDS", "cancelled_at_each_step", "on_virtual_time"]

LONGEST_SECONDS: Final = 3600.0  # of virtual time, until a test has hung

P = ParamSpec("P")


def on_virtual_time(async_fn: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """
    Make a plain test of an asynchronous one: each call is a Trio run with a clock of its own.

    The clock jumps whenever all tasks wait, so sleeping takes no time, and a deadlock fails at
    once, after a virtual hour. Made to stand under Hypothesis' ``@given``, whose every example
    needs a run of its own.
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
    """Cancels *scope* when *task* is about to take a step, after *left* others."""

    task: trio.lowlevel.Task
    scope: trio.CancelScope
    left: int

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is self.task:
            if self.left == 0:
                self.scope.cancel("this is the step")
            self.left -= 1


async def cancelled_at_each_step(async_fn: Callable[[], Awaitable[object]]) -> int:
    """
    Call *async_fn* again and again, cancelled one step later each time, until it completes.

    A step is what the calling task does from one suspension to the next.

    Returns:
        How many calls there were; all but the last were cancelled.
    """
    task = trio.lowlevel.current_task()
    for number in itertools.count():  # pragma: no branch  # which never ends
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

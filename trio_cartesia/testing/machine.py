"""`TrioStateMachine`: a Hypothesis state machine with a Trio run inside."""

from __future__ import annotations

import queue
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple

import trio
from hypothesis.stateful import RuleBasedStateMachine
from trio.testing import MockClock, wait_all_tasks_blocked

__all__ = ["HANG_SECONDS", "TrioStateMachine"]

HANG_SECONDS: Final = 60.0  # of real time without a callback of the run, until it counts as hung
SHORTEST_SECONDS: Final = 1e-6  # of virtual time in one jump: less may be lost in rounding

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Outcome(Protocol):
    def unwrap(self) -> object:
        """Return the value, or raise the exception."""


class TrioStateMachine(RuleBasedStateMachine):
    """A state machine whose rules act inside one Trio run, on a clock that only rules move.

    Rules are plain functions. They call asynchronous ones through `perform`, which returns once
    every task waits, so that each rule starts from a settled state and a failure prints as a
    readable script. An exception of a background task ends the run, and the rule that was being
    performed raises it.

    Attributes:
        clock: The run's clock; `wait` moves it.
        nursery: For background tasks. It is cancelled when the example ends.

    Example::

        import trio
        from hypothesis import settings, strategies as st
        from hypothesis.stateful import invariant, rule, run_state_machine_as_test
        from trio_cartesia.testing.machine import TrioStateMachine

        class Metronome(TrioStateMachine):
            def __init__(self):
                super().__init__()
                self.seconds = self.ticks = 0
                self.perform(self.start, self.tick)

            async def tick(self):
                while True:
                    await trio.sleep(1)
                    self.ticks += 1

            @rule(seconds=st.integers(1, 5))
            def time_passes(self, seconds):
                self.wait(seconds)
                self.seconds += seconds

            @invariant()
            def it_keeps_time(self):
                assert self.ticks == self.seconds

        run_state_machine_as_test(Metronome, settings=settings(max_examples=5, deadline=None))
    """

    clock: MockClock
    nursery: trio.Nursery

    def __init__(self) -> None:
        super().__init__()
        self.clock = MockClock()
        self._callbacks: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._ended_with: _Outcome | None = None
        self._was_raised = False  # the error that ended the run
        self._is_ready = False
        trio.lowlevel.start_guest_run(
            self._main,
            run_sync_soon_threadsafe=self._callbacks.put,
            done_callback=self._note_the_end,
            clock=self.clock,
        )
        self._run_until(lambda: self._is_ready)
        self._own_tasks = self.perform(_count_tasks)

    def perform(self, async_fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
        """Call *async_fn* in the run, and return its result once every task waits.

        It must return by itself, because the clock stands still meanwhile. Code that waits for
        time to pass, or for another rule, belongs into a background task: see `start`.
        """
        done: list[Callable[[], T]] = []

        async def act() -> None:
            try:
                value = await async_fn(*args)
            except Exception as error:  # noqa: BLE001  # raised again by the rule
                answer = _raiser(error)
            else:
                answer = _returner(value)
            await wait_all_tasks_blocked()
            done.append(answer)

        self._soon(lambda: self.nursery.start_soon(act))
        self._run_until(lambda: bool(done))
        return done[0]()

    async def start(self, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        """Start a background task; call it through `perform`."""
        self.nursery.start_soon(async_fn, *args)
        await trio.lowlevel.checkpoint()

    def wait(self, seconds: float) -> None:
        """Advance the clock, stopping at each deadline on the way until every task waits."""
        self.perform(self._wait, seconds)

    def tasks_living(self) -> int:
        """Return the number of tasks, without the machine's own."""
        return self.perform(_count_tasks) - self._own_tasks

    def end(self) -> None:
        """Check the end of an example that has not failed; override it."""

    def teardown(self) -> None:
        """Cancel the tasks that are left, and raise the error of the run if there is one."""
        try:
            if sys.exc_info()[0] is None:
                self.end()
        finally:
            self._end_run()

    def _end_run(self) -> None:
        if self._ended_with is None:
            self._soon(self._finish)
            while self._ended_with is None:
                self._turn()
        if not self._was_raised:
            self._ended_with.unwrap()

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with trio.open_nursery() as self.nursery:
            self._is_ready = True
            await trio.sleep_forever()

    def _soon(self, function: Callable[[], object]) -> None:
        if self._ended_with is not None:
            self._raise_crash()
        self._token.run_sync_soon(function)

    def _run_until(self, has_happened: Callable[[], bool]) -> None:
        while not has_happened():
            if self._ended_with is not None:
                self._raise_crash()
            self._turn()

    def _turn(self) -> None:
        """Run the loop until it would wait."""
        try:
            callback = self._callbacks.get(timeout=HANG_SECONDS)
        except queue.Empty:
            raise TimeoutError("the run hangs: a task that ignores being cancelled?") from None
        callback()

    def _raise_crash(self) -> None:
        assert self._ended_with is not None
        if not self._was_raised:
            self._was_raised = True
            self._ended_with.unwrap()
        raise RuntimeError("the run has ended before its example")

    def _finish(self) -> None:
        self.clock.autojump_threshold = 0  # grace periods take no time from here on
        self.nursery.cancel_scope.cancel("the example has ended")

    def _note_the_end(self, outcome: Any) -> None:
        self._ended_with = outcome

    async def _wait(self, seconds: float) -> None:
        end = trio.current_time() + seconds
        while (left := end - trio.current_time()) > 0:
            await wait_all_tasks_blocked()
            next_seconds = trio.lowlevel.current_statistics().seconds_to_next_deadline
            self.clock.jump(min(left, max(next_seconds, SHORTEST_SECONDS)))
        await wait_all_tasks_blocked()


async def _count_tasks() -> int:
    await trio.lowlevel.checkpoint()
    return trio.lowlevel.current_statistics().tasks_living


def _returner(value: T) -> Callable[[], T]:
    return lambda: value


def _raiser(error: Exception) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer

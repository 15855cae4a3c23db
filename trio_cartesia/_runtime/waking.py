"""
When a receive loop that waits is woken: at once, or in a flood, once there is more for it.

Waking a task costs about as much as all the other work on two frames. Where more comes than can be
worked off, frame by frame, that is time lost for everybody; so tasks that had their turn a moment
ago are then left alone until it is worth their while. A frame of a paced stream is never held:
before the reader waits for the network, everybody is woken for whom something has come.
"""

from __future__ import annotations

from typing import Final

import trio
from trio.lowlevel import Abort, RaiseCancelT, enable_ki_protection

__all__ = ["HELD_BYTES", "HELD_BYTES_EACH", "HELD_SECONDS", "Seat", "Waker"]

HELD_SECONDS: Final = 0.1  # since its last turn, and since the first held event
HELD_BYTES_EACH: Final = 64 * 2**10  # a task is woken once so much waits for it
HELD_BYTES: Final = 32 * 2**20  # likewise all of them, once so much waits in all


class Seat:
    """
    Where the task waits that receives a context's events; there is one at the most.

    Attributes:
        task: The one that waits, and was not woken yet.
        had_turn_at: When it was woken last.
        is_held: True while it is among those that a `Waker` holds back.
    """

    __slots__ = ("had_turn_at", "is_held", "task")

    def __init__(self) -> None:
        self.task: trio.lowlevel.Task | None = None
        self.had_turn_at = float("-inf")
        self.is_held = False

    @enable_ki_protection
    async def wait(self) -> None:
        """Return once woken; if cancelled before, the seat is free again."""
        self.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._leave)

    def wake(self) -> None:
        """Wake the task that waits, if one does."""
        if (task := self.task) is not None:
            self.task = None
            trio.lowlevel.reschedule(task)

    def _leave(self, _: RaiseCancelT) -> Abort:
        self.task = None
        return Abort.SUCCEEDED


class Waker:
    """Wakes the tasks of one connection, or holds them back for a bounded while."""

    __slots__ = ("_held", "_held_since", "_is_flood", "_now")

    def __init__(self) -> None:
        self._is_flood = False
        self._now = self._held_since = float("-inf")
        self._held: list[Seat] = []

    def begin_turn(self, now: float, held_bytes: int, *, is_flood: bool) -> None:
        """
        Hear that frames are about to be delivered.

        Args:
            now: The time, on Trio's clock.
            held_bytes: What waits in all inboxes.
            is_flood: True only if `settle` will be called before the reader waits.
        """
        self._now, self._is_flood = now, is_flood
        is_long = now - self._held_since >= HELD_SECONDS
        if self._held and (is_long or held_bytes > HELD_BYTES or not is_flood):
            self.wake_held()

    def wake(self, seat: Seat, waiting_bytes: int, budget_bytes: int) -> None:
        """Wake the task on *seat*, for which so much of its budget waits, or hold it back."""
        if (
            self._is_flood
            and self._now - seat.had_turn_at < HELD_SECONDS
            and waiting_bytes < HELD_BYTES_EACH
            and waiting_bytes * 4 < budget_bytes
        ):
            if not seat.is_held:
                seat.is_held = True
                if not self._held:
                    self._held_since = self._now
                self._held.append(seat)
        else:
            seat.had_turn_at = self._now
            seat.wake()

    def settle(self) -> None:
        """Wake everybody: the flood is over, as far as anyone can tell."""
        self._is_flood = False
        self.wake_held()

    def wake_held(self) -> None:
        """Wake everybody who was held back."""
        for seat in self._held:
            seat.is_held = False
            seat.had_turn_at = self._now
            seat.wake()
        self._held.clear()

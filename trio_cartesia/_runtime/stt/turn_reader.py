"""Reads a session's events, and gives them to its turns.

Any task that waits for a turn to change may be the one that reads the next event; the others park
until it has. So nothing is read ahead of those who wait, and no task of ours is needed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot, enable_ki_protection

from trio_cartesia._errors import CartesiaError, RequestFailed, raise_kept
from trio_cartesia._protocol.stt.messages import (
    AutoFinalizeEvent,
    Gap,
    TurnEagerEnd,
    TurnEnd,
    TurnUpdate,
)
from trio_cartesia._protocol.stt.turns import TurnProgress, TurnSequence, TurnStep
from trio_cartesia._runtime.run_check import RunCheck

__all__ = ["TurnReader"]

_STEPS: Final = {step.value: step for step in TurnStep if step is not TurnStep.CUT}


@attrs.define(eq=False)
class TurnReader:
    """The turns of a session, as far as their events were received.

    Attributes:
        started: The turn that has started and was not handed out yet.
        has_ended: True once the session has ended, and all of its events were received.
        error: What it has ended with, if it was not meant to.
    """

    _events: AsyncIterator[AutoFinalizeEvent]
    started: TurnProgress | None = attrs.field(default=None, init=False)
    has_ended: bool = attrs.field(default=False, init=False)
    error: CartesiaError | None = attrs.field(default=None, init=False)
    _run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    _sequence: TurnSequence = attrs.field(factory=TurnSequence, init=False)
    _cut: TurnProgress | None = attrs.field(default=None, init=False)  # by the session's end
    _watchers: set[Callable[[], None]] = attrs.field(factory=set, init=False, repr=False)
    _reports: int = attrs.field(default=0, init=False)  # of errors, by the service
    _last_report: RequestFailed = attrs.field(factory=RequestFailed, init=False)
    _is_reading: bool = attrs.field(default=False, init=False)
    _waiting: ParkingLot = attrs.field(factory=ParkingLot, init=False, repr=False)

    async def wait(self, is_reached: Callable[[], bool]) -> None:
        """Receive until *is_reached* or the session has ended; if cancelled, no event is lost.

        Raises:
            RequestFailed: The service has sent an ``error`` event. All who wait raise it, and the
                session goes on.
        """
        self._run_check.check()
        await trio.lowlevel.checkpoint_if_cancelled()
        reports = self._reports
        while not (is_reached() or self.has_ended):
            if self._is_reading:
                await self._waiting.park()
            else:
                await self._read_one()
            if self._reports != reports:
                raise_kept(self._last_report)
        await trio.lowlevel.checkpoint()  # raises where a watcher has cancelled this task

    async def wait_in(self, turn: TurnProgress, is_reached: Callable[[], bool]) -> None:
        """Receive as `wait`, at most until *turn* is over."""
        await self.wait(lambda: turn.is_over or is_reached())

    def is_lost(self, turn: TurnProgress) -> bool:
        """Return whether the session has failed within *turn*."""
        return self.error is not None and turn is self._cut

    def raise_if_lost(self, turn: TurnProgress) -> None:
        """Raise what the session has failed with, if that was within *turn*."""
        if self.is_lost(turn):
            self.raise_error()

    def raise_error(self) -> None:
        """Raise what the session has ended with, if it was not meant to end."""
        if self.error is not None:
            raise_kept(self.error)

    @contextmanager
    def watched_by(self, watcher: Callable[[], None]) -> Iterator[None]:
        """While the block runs, call *watcher* after each event, before any task goes on."""
        self._watchers.add(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    async def _read_one(self) -> None:
        self._is_reading = True
        try:
            self._take(await anext(self._events))
        except StopAsyncIteration:
            self._end(None)
        except RequestFailed as error:
            self._reports, self._last_report = self._reports + 1, error
        except CartesiaError as error:
            self._end(error)
        finally:
            self._is_reading = False
            self._waiting.unpark_all()

    @enable_ki_protection
    def _take(self, event: AutoFinalizeEvent) -> None:
        if isinstance(event, Gap):
            self._sequence.note_gap()
        if (step := _STEPS.get(event.type)) is None:
            return  # it is not about a turn
        transcript, is_complete = None, True
        if isinstance(event, (TurnUpdate, TurnEagerEnd, TurnEnd)):
            transcript = event.transcript
        if isinstance(event, TurnEnd):
            is_complete = event.is_complete
        turn = self._sequence.receive(step, transcript, is_complete=is_complete)
        if step is TurnStep.START:
            self.started = turn
        self._notify()

    @enable_ki_protection
    def _end(self, error: CartesiaError | None) -> None:
        self.has_ended, self.error = True, error
        self._cut = self._sequence.cut()
        self._notify()

    def _notify(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()

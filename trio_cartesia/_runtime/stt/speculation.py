"""Work that begins before it is certain that the user is done, and is kept if they are."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Generic, TypeVar

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import CartesiaError, LocalProtocolError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.stt.turns import TurnProgress, same_words
from trio_cartesia._runtime.stt.turn_reader import TurnReader

__all__ = ["Attempt", "speculating"]

_log: Final = logging.getLogger("trio_cartesia.connection")

T = TypeVar("T")


@no_public_constructor("turn.speculate()")
@attrs.define(eq=False, init=False)
class Attempt(Generic[T]):
    """The answer to a turn that `Turn.speculate` works on.

    Attributes:
        text: The text that the function was last called with; None before the first call.
        calls: How often it was called.
    """

    _progress: TurnProgress = attrs.field(repr=False)
    _reader: TurnReader = attrs.field(repr=False)
    _work: Callable[[str], Awaitable[T]] = attrs.field(repr=False)
    text: str | None = attrs.field(default=None, init=False, repr=False)
    calls: int = attrs.field(default=0, init=False)
    _resumes: int = attrs.field(default=0, init=False, repr=False)  # of the turn, at the last call
    _scope: trio.CancelScope | None = attrs.field(default=None, init=False, repr=False)
    _done: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)
    _results: list[T] = attrs.field(factory=list, init=False, repr=False)  # one at most
    _error: Exception | None = attrs.field(default=None, init=False, repr=False)
    _is_raised: bool = attrs.field(default=False, init=False, repr=False)

    async def result(self) -> T:
        """Wait for the end of the turn and for the call that is kept; return its result.

        If cancelled, the call goes on.

        Raises:
            Exception: What that call raised.
            CartesiaError: What `Turn.end` raises.
            LocalProtocolError: The block was left early, so there is no result.
        """
        await self._done.wait()
        if self._error is not None:
            self._is_raised = True
            raise self._error
        return self._results[0]

    async def _run(self) -> None:
        """Call the work until a call is kept."""
        progress, reader = self._progress, self._reader
        try:
            while not self._done.is_set():
                await reader.wait_in(progress, lambda: progress.is_paused)
                reader.raise_if_lost(progress)
                await self._call()
        except CartesiaError as error:
            self._finish([], error)

    async def _receive(self) -> None:
        """Receive the turn's events, while the work and the block are busy."""
        try:
            await self._reader.wait_in(self._progress, lambda: False)
        except CartesiaError as error:
            self._finish([], error)
            self._review()

    async def _call(self) -> None:
        """Call the work with the text of now; finish if that call is kept."""
        progress = self._progress
        self.text, self._resumes = progress.text, progress.resumes
        self.calls += 1
        results, error = [], None
        try:
            with trio.CancelScope() as self._scope:
                results.append(await self._work(self.text))
        except Exception as raised:  # noqa: BLE001  # work may raise anything
            error = raised
        except BaseExceptionGroup as group:  # of the work's own nursery
            _, rest = group.split(trio.Cancelled)
            if not isinstance(rest, ExceptionGroup):
                raise
            error = rest
        await self._reader.wait_in(
            progress, lambda: self._done.is_set() or progress.resumes != self._resumes
        )
        if self._is_current:
            self._finish(results, error)
        elif error is not None:
            _log.debug("an attempt that is not kept ended with %s", type(error).__name__)

    @property
    def _is_current(self) -> bool:
        """True while nothing has come that the last call does not fit."""
        progress = self._progress
        if self._done.is_set() or progress.resumes != self._resumes:
            return False
        if self._reader.is_lost(progress):
            return False
        return not progress.is_over or same_words(progress.text, self.text or "")

    @enable_ki_protection
    def _review(self) -> None:
        """Cancel the call under way if it is no longer current."""
        if self._scope is not None and not self._is_current:
            self._scope.cancel("the user went on, or the session failed")

    def _finish(self, results: list[T], error: Exception | None) -> None:
        if self._done.is_set():
            return
        self._results, self._error = results, error
        self._done.set()


@asynccontextmanager
async def speculating(
    progress: TurnProgress, reader: TurnReader, work: Callable[[str], Awaitable[T]]
) -> AsyncIterator[Attempt[T]]:
    """Work on the answer to a turn while the block runs, and until it is there."""
    attempt: Attempt[T] = create(Attempt, progress, reader, work)
    with reader.watched_by(attempt._review):
        try:
            async with open_service_nursery() as nursery:
                nursery.start_soon(attempt._run)
                nursery.start_soon(attempt._receive)
                yield attempt
                await attempt._done.wait()
        finally:
            attempt._finish([], LocalProtocolError("the attempt's block was left early"))
    if attempt._error is not None and not attempt._is_raised:
        raise attempt._error

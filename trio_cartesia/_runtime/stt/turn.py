"""The turns of a session, and one turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.stt.turns import TurnProgress
from trio_cartesia._runtime.managers import Block, Manager
from trio_cartesia._runtime.stt.speculation import Attempt, speculating
from trio_cartesia._runtime.stt.turn_reader import TurnReader

__all__ = ["TextReceiver", "Turn", "TurnReceiver"]

T = TypeVar("T")


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False)
class Turn:
    """What the user says, from the moment they start to speak until they are done.

    Iterating a turn gives its text whenever it has changed: all of it each time, and the definitive
    text last. It may be iterated by several tasks, and while another one waits for the next turn.

    If the session ends within the turn, the turn ends with the text that came, and `is_complete` is
    False. If the connection is lost within the turn, whatever waits for the turn raises that
    error instead, and `text` keeps what came; with ``reconnect=``, the turn goes on.
    """

    _progress: TurnProgress
    _reader: TurnReader = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """The text so far; once the turn is over, the definitive one. It may be empty."""
        return self._progress.text

    @property
    def is_over(self) -> bool:
        """True once the end of the turn, or of the session, was received."""
        return self._progress.is_over

    @property
    def is_complete(self) -> bool:
        """True if the service has ended the turn; False while it goes on, or if it was cut.

        A turn is cut by the end of the session, or by a loss after which the next connection has
        not found it again.
        """
        return self._progress.is_complete

    @property
    def has_gap(self) -> bool:
        """True if the text may lack words: a `Gap` came within the turn, or before it started."""
        return self._progress.has_gap

    def __aiter__(self) -> TextReceiver:
        """Return an iterator of the text, which begins with the text so far."""
        return create(TextReceiver, self._progress, self._reader)

    async def end(self) -> str:
        """Wait for the end of the turn, and return its definitive text.

        If cancelled, nothing is lost.

        Raises:
            ConnectionLost: The connection was lost within the turn.
            RemoteProtocolError: The service sent an event that may not come where it came.
            ContextFailed: Its kinds say what the service refused, or which limit was exceeded.
        """
        await self._reader.wait_in(self._progress, lambda: False)
        self._reader.raise_if_lost(self._progress)
        return self._progress.text

    def speculate(self, work: Callable[[str], Awaitable[T]]) -> Manager[Attempt[T]]:
        """Start to answer before it is certain that the user is done.

        While the block runs, a task calls *work* with the text of the turn as soon as the service
        expects its end (``turn.eager_end``):

        * If the user goes on (``turn.resume``), the call is cancelled, or its result dropped. The
          next eager end calls *work* again, with the text of then.
        * When the turn ends, the call is kept: it goes on, and its result is the attempt's. If the
          turn ends with other words than *work* was called with, that call is cancelled, and *work*
          is called again with the definitive text; case and punctuation make no difference.
        * If there was no eager end before the end, *work* is called at the end.

        An exception of a call that is not kept is dropped, like its result. *work* may ``await
        turn.end()`` before it does what cannot be taken back, such as to play speech: where the
        call is not kept, that raises ``Cancelled``.

        Leaving the block waits for the end of the turn and for *work*, as a nursery does; leaving
        it by an exception or a cancellation cancels *work*. No exception group is made.

        If the session ends within the turn, that is an end of the turn. If the connection is lost
        within the turn, the call is cancelled. After the end of the turn, nothing cancels the call
        but the block.

        Args:
            work: An asynchronous function of the text, which may be empty.

        Raises:
            LocalProtocolError: *work* is not a function, but for example a coroutine.
            Exception: By the block: what the kept call of *work*, or waiting for the turn, raised,
                unless `Attempt.result` has raised it.
        """
        if not callable(work):
            kind = type(work).__name__  # type: ignore[unreachable]  # callers may have no types
            raise LocalProtocolError(f"work must be an async function of the text, not {kind}")
        return Block(speculating(self._progress, self._reader, work), "an attempt (turn.speculate)")


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False)
class TextReceiver:
    """An asynchronous iterator of the text of a turn."""

    _progress: TurnProgress
    _reader: TurnReader = attrs.field(repr=False)
    _received: str = attrs.field(default="", init=False, repr=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        """Return the text once it has changed. If cancelled, nothing is lost.

        Raises:
            StopAsyncIteration: The turn is over.
            CartesiaError: As by `Turn.end`.
        """
        progress, reader = self._progress, self._reader
        await reader.wait_in(progress, lambda: progress.text != self._received)
        if progress.text == self._received:
            reader.raise_if_lost(progress)
            raise StopAsyncIteration
        self._received = progress.text
        return self._received


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False)
class TurnReceiver:
    """An asynchronous iterator of the turns of a session."""

    _reader: TurnReader = attrs.field(repr=False)
    _is_receiving: bool = attrs.field(default=False, init=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Turn:
        """Return the next turn when it starts. If cancelled, nothing is lost.

        Raises:
            StopAsyncIteration: The session has ended.
            LocalProtocolError: Another task iterates.
            CartesiaError: As by `AutoFinalizeSession.turns`.
        """
        reader = self._reader
        if self._is_receiving:
            raise LocalProtocolError("another task receives this session's turns already")
        self._is_receiving = True
        try:
            await reader.wait(lambda: reader.started is not None)
        finally:
            self._is_receiving = False
        if (started := reader.started) is None:
            reader.raise_error()
            raise StopAsyncIteration
        reader.started = None
        return create(Turn, started, reader)

"""`Turn` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._runtime.stt.turn import Turn as AsyncTurn
from trio_cartesia.blocking.stt.text_receiver import TextReceiver
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["Turn"]


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False, repr=False)
class Turn(Wrapper[AsyncTurn]):
    """What the user says, from the moment they start to speak until they are done.

    Iterating a turn gives its text whenever it has changed: all of it each time, and the definitive
    text last. It may be iterated by several threads, and while another one waits for the next turn.

    If the session ends within the turn, the turn ends with the text that came, and `is_complete` is
    False. If the connection is lost within the turn, whatever waits for the turn raises that
    error instead, and `text` keeps what came; with ``reconnect=``, the turn goes on.
    """

    @property
    def text(self) -> str:
        """The text so far; once the turn is over, the definitive one. It may be empty."""
        return self._portal.run_sync(lambda: self._inner.text)

    @property
    def is_over(self) -> bool:
        """True once the end of the turn, or of the session, was received."""
        return self._portal.run_sync(lambda: self._inner.is_over)

    @property
    def is_complete(self) -> bool:
        """True if the service has ended the turn; False while it goes on, or if it was cut.

        A turn is cut by the end of the session, or by a loss after which the next connection has
        not found it again.
        """
        return self._portal.run_sync(lambda: self._inner.is_complete)

    @property
    def has_gap(self) -> bool:
        """True if the text may lack words: a `Gap` came within the turn, or before it started."""
        return self._portal.run_sync(lambda: self._inner.has_gap)

    def __iter__(self) -> TextReceiver:
        """Return an iterator of the text, which begins with the text so far."""
        return create(TextReceiver, self._portal, self._portal.run_sync(self._inner.__aiter__))

    def end(self) -> str:
        """Wait for the end of the turn, and return its definitive text.

        If interrupted by Ctrl-C, nothing is lost.

        Raises:
            ConnectionLost: The connection was lost within the turn.
            RemoteProtocolError: The service sent an event that may not come where it came.
            ContextFailed: Its kinds say what the service refused, or which limit was exceeded.
        """
        return self._portal.run(self._inner.end)

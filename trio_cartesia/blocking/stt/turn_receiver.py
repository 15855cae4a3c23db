"""`TurnReceiver` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._runtime.stt.turn import TurnReceiver as AsyncTurnReceiver
from trio_cartesia.blocking.stt.turn import Turn
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["TurnReceiver"]


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False, repr=False)
class TurnReceiver(IteratorWrapper[AsyncTurnReceiver]):
    """An iterator of the turns of a session."""

    def __next__(self) -> Turn:
        """Return the next turn when it starts. If interrupted by Ctrl-C, nothing is lost.

        Raises:
            StopIteration: The session has ended.
            LocalProtocolError: Another thread iterates.
            CartesiaError: As by `AutoFinalizeSession.turns`.
        """
        return create(Turn, self._portal, self._next())

"""`TextReceiver` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._runtime.stt.turn import TextReceiver as AsyncTextReceiver
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["TextReceiver"]


@no_public_constructor("session.turns()")
@attrs.define(eq=False, init=False, repr=False)
class TextReceiver(IteratorWrapper[AsyncTextReceiver]):
    """An iterator of the text of a turn."""

    def __next__(self) -> str:
        """Return the text once it has changed. If interrupted by Ctrl-C, nothing is lost.

        Raises:
            StopIteration: The turn is over.
            CartesiaError: As by `Turn.end`.
        """
        item: str = self._next()
        return item

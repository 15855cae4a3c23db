"""
A text that is still to be spoken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable

import attrs

__all__ = ["Transcript"]


@attrs.define(eq=False)
class Transcript:
    """
    Pieces of a text, in order; what turns out not to have been spoken comes again.

    Attributes:
        pieces_read: How many pieces there were so far, each counted once.
    """

    pieces_read: int = attrs.field(default=0, init=False)
    _source: AsyncIterator[str] | None = None
    _waiting: deque[str] = attrs.field(factory=deque, init=False, repr=False)

    @classmethod
    def of(cls, text: str) -> Transcript:
        """Make a transcript of a text that is all there."""
        transcript = cls()
        transcript.put_back([text])
        transcript.pieces_read = 1
        return transcript

    async def has_more(self) -> bool:
        """Wait for a piece, and tell whether there is one. If cancelled, none is lost."""
        if not self._waiting and self._source is not None:
            async for piece in self._source:
                self._waiting.append(piece)
                self.pieces_read += 1
                break
        return bool(self._waiting)

    def take(self) -> str:
        """Return the piece that was waited for."""
        return self._waiting.popleft()

    def put_back(self, pieces: Iterable[str]) -> None:
        """Take *pieces* as the next ones, before those that wait."""
        self._waiting.extendleft(reversed(list(pieces)))

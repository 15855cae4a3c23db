"""The text that is yet to be spoken."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable

import attrs

__all__ = ["Transcript"]


@attrs.define(eq=False)
class Transcript:
    """A queue of the pieces of a text, into which unspoken pieces can be put back.

    Attributes:
        pieces_read: The number of pieces so far, each counted once.
    """

    pieces_read: int = attrs.field(default=0, init=False)
    _source: AsyncIterator[str] | None = None
    _waiting: deque[str] = attrs.field(factory=deque, init=False, repr=False)

    @classmethod
    def of(cls, text: str) -> Transcript:
        """Make a transcript of a single text."""
        transcript = cls()
        transcript.put_back([text])
        transcript.pieces_read = 1
        return transcript

    async def has_more(self) -> bool:
        """Wait for a piece; return False at the end of the text. If cancelled, no piece is lost."""
        if not self._waiting and self._source is not None:
            async for piece in self._source:
                self._waiting.append(piece)
                self.pieces_read += 1
                break
        return bool(self._waiting)

    def take(self) -> str:
        """Remove and return the next piece, after `has_more`."""
        return self._waiting.popleft()

    def put_back(self, pieces: Iterable[str]) -> None:
        """Insert *pieces* at the front."""
        self._waiting.extendleft(reversed(list(pieces)))

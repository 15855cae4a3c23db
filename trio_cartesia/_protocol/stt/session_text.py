"""The text of a session with manual finalize, over all of its connections."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from trio_cartesia._protocol.base.events import size_of
from trio_cartesia._protocol.text.line_breaks import joins_without_blank

__all__ = ["MAX_TRANSCRIPT_CHARACTERS", "SessionText", "Transcription"]

MAX_TRANSCRIPT_CHARACTERS: Final = 2**20  # kept of the final text: about 18 hours of speech


@attrs.frozen(kw_only=True)
class Transcription:
    """The text of a session so far.

    Attributes:
        final: All final pieces, joined with the white space that they have; of more than 1,048,576
            characters, the last pieces alone.
        interim: What may still be revised, of the audio after the last final piece.
    """

    final: str = attrs.field(repr=size_of)
    interim: str = attrs.field(repr=size_of)


@attrs.define(eq=False)
class SessionText:
    """Final pieces, and the text that may still be revised.

    Attributes:
        characters: Of all final pieces, dropped ones too.
        interim: As in `Transcription`.
    """

    characters: int = attrs.field(default=0, init=False)
    interim: str = attrs.field(default="", init=False, repr=False)
    _pieces: deque[str] = attrs.field(factory=deque, init=False, repr=False)
    _kept: int = attrs.field(default=0, init=False)  # of the characters
    _is_at_seam: bool = attrs.field(default=False, init=False)  # of the text of two connections

    @property
    def transcription(self) -> Transcription:
        """The text so far."""
        return Transcription(final="".join(self._pieces), interim=self.interim)

    @property
    def kept_characters(self) -> int:
        """The characters that are kept, of final and interim text."""
        return self._kept + len(self.interim)

    def add(self, piece: str) -> None:
        """Add a final piece."""
        self.interim = ""
        if not piece:
            return
        self._is_at_seam = False
        self._pieces.append(piece)
        self.characters += len(piece)
        self._kept += len(piece)
        while self._kept > MAX_TRANSCRIPT_CHARACTERS and len(self._pieces) > 1:
            self._kept -= len(self._pieces.popleft())

    def between(self, start: int, end: int) -> str:
        """Return the final text between two counts of characters, as far as it is kept."""
        text, first = "".join(self._pieces), self.characters - self._kept
        return text[max(0, start - first) : max(0, end - first)]

    def begin(self) -> None:
        """Note that text of another connection follows."""
        self.interim, self._is_at_seam = "", bool(self._pieces)

    def continued(self, piece: str) -> str:
        """Return *piece* with a space before it, where its connection knows of no text before."""
        if not self._is_at_seam or not piece or piece[0].isspace():
            return piece
        before = self._pieces[-1]
        return piece if before[-1].isspace() or joins_without_blank(before, piece) else f" {piece}"

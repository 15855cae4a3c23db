"""The words of one context, with the white space of its transcript."""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia.server.journal.records import ContextRecord

__all__ = ["SpokenText"]

AHEAD: Final = 100  # characters in which the next word is looked for: room for markup


@attrs.define(eq=False, repr=False)
class SpokenText:
    """The words of a context as the journal has them, and what separates them.

    Words that were written are separated as in the transcript. Where markup stands between two, or
    where words are reported as they are read ("twenty dollars"), a blank separates them.
    """

    record: ContextRecord
    _separators: list[str] = attrs.field(factory=list, init=False)  # before each word
    _transcript: str = attrs.field(default="", init=False)
    _inputs: int = attrs.field(default=0, init=False)  # in the transcript
    _place: int = attrs.field(default=0, init=False)  # in the transcript, after the last word

    @property
    def language(self) -> str | None:
        """The language that was asked for, without its region."""
        settings = self.record.settings
        asked = settings.locale or settings.language
        if asked is not None:
            return asked.partition("-")[0]
        return settings.voice.language if settings.voice else None

    def separator(self, index: int) -> str:
        """Return what stands before the word with that index, which the journal must have."""
        while len(self._separators) <= index:
            self._separators.append(self._next_separator(self.record.words.texts[self._count]))
        return self._separators[index]

    @property
    def _count(self) -> int:
        return len(self._separators)

    def _next_separator(self, word: str) -> str:
        if self._inputs != len(self.record.transcripts):
            self._inputs = len(self.record.transcripts)
            self._transcript = self.record.transcript
        start = self._transcript.find(word, self._place, self._place + len(word) + AHEAD)
        if start < 0:
            return " "
        between = self._transcript[self._place : start]
        self._place = start + len(word)
        return between if not between or between.isspace() else " "

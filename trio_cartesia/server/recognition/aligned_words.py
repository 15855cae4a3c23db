"""The words of one alignment, each of which is looked up once."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import attrs

from trio_cartesia.server.recognition.alignment import BLOCK, Alignment
from trio_cartesia.server.recognition.fingerprints import RATE
from trio_cartesia.server.recognition.speech_index import IndexedSpeech

__all__ = ["AlignedWords", "Word"]

COVERED: Final = 0.6  # of a word that has to match for the word to count


@attrs.frozen
class Word:
    """A word that matched; its times are samples of the stream."""

    speech: IndexedSpeech
    index: int
    start: float
    end: float

    @property
    def middle(self) -> float:
        """The sample in its middle."""
        return (self.start + self.end) / 2


@attrs.define(eq=False, repr=False)
class AlignedWords:
    """The words that an alignment covers, which may still grow."""

    alignment: Alignment
    _settled: list[Word] = attrs.field(factory=list, init=False)  # whose audio was all compared
    _next: int = attrs.field(default=0, init=False)  # the first word after those that are settled

    def find(self) -> list[Word]:
        """Return the words, in order."""
        alignment = self.alignment
        words, offset = alignment.speech.record.words, alignment.offset
        begin, end = alignment.first * BLOCK + offset, alignment.end * BLOCK + offset
        self._next = max(self._next, bisect_left(words.ends, begin / RATE))
        compared = end - BLOCK  # so that a mark of no duration has a block, too
        while self._next < len(words) and words.ends[self._next] * RATE <= compared:
            self._add_to(self._settled, self._next)
            self._next += 1
        found = self._settled.copy()
        for index in range(self._next, len(words)):
            if words.starts[index] * RATE >= end:
                break
            self._add_to(found, index)
        return found

    def extent(self, found: list[Word]) -> tuple[int, int]:
        """Return the first and the last block that only *found*, its words, can explain.

        A word at an end that the alignment has only in part is left to another one.
        """
        alignment = self.alignment
        words, offset = alignment.speech.record.words, alignment.offset
        begin = alignment.first
        end = alignment.end - len(alignment.hits) + alignment.hits.rfind(1)
        before, after = found[0].index - 1, found[-1].index + 1
        if before >= 0:
            begin = max(begin, int((words.ends[before] * RATE - offset) // BLOCK))
        if after < len(words):
            end = min(end, int((words.starts[after] * RATE - offset) // BLOCK))
        return begin, end

    def _add_to(self, found: list[Word], index: int) -> None:
        alignment = self.alignment
        words, offset = alignment.speech.record.words, alignment.offset
        start, end = words.starts[index] * RATE, words.ends[index] * RATE
        if alignment.covers(start, end) >= COVERED:
            found.append(Word(alignment.speech, index, start - offset, end - offset))

"""The text of the alignments of one stream.

Where alignments overlap, as those with equal sentences do, the one with the most evidence gives the
words, and the newest speech if there are several.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia.server.recognition.alignment import BLOCK, EVIDENCE, Alignment
from trio_cartesia.server.recognition.fingerprints import RATE
from trio_cartesia.server.recognition.interface import Recognized, RecognizedWord
from trio_cartesia.server.recognition.speech_index import IndexedSpeech

__all__ = ["MatchedText"]

COVERED: Final = 0.6  # of a word that has to match for the word to count
DOMINANT: Final = 0.8  # of the evidence of an alignment beside a better one
FIRM: Final = 12  # loud blocks, 290 ms, before words are in an interim text
MAX_KEPT: Final = 4096  # alignments since the last final text


@attrs.frozen
class _Word:
    """A word that matched; its times are samples of the stream."""

    speech: IndexedSpeech
    index: int
    start: float
    end: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@attrs.define(eq=False, repr=False)
class MatchedText:
    """The alignments since the last final text.

    Attributes:
        until: The end of the last final word, in samples.
        last: The last final word.
    """

    until: float = attrs.field(default=-1.0, init=False)
    last: _Word | None = attrs.field(default=None, init=False)
    _kept: list[Alignment] = attrs.field(factory=list, init=False)

    def keep(self, alignment: Alignment) -> None:
        """Keep an alignment that has begun; it may still grow."""
        self._kept.append(alignment)

    def prune(self, ended: Alignment) -> None:
        """Drop *ended* if a better alignment has compared all of its words, or it is too short."""
        if not ended.is_confirmed() or any(_replaces(other, ended) for other in self._kept):
            self._kept.remove(ended)
        elif len(self._kept) > MAX_KEPT:
            self._kept.remove(min(self._kept, key=lambda kept: kept.evidence))

    def explains(self, start_seconds: float, end_seconds: float) -> bool:
        """Return whether the middle of that part of the stream is within a confirmed alignment."""
        block = (start_seconds + end_seconds) / 2 * RATE / BLOCK
        return any(kept.first <= block < kept.end and kept.is_confirmed() for kept in self._kept)

    def interim(self) -> Recognized:
        """Return the text since the last final one."""
        return self._recognized(self._words(FIRM))

    def finish(self) -> Recognized:
        """Make that text final and return it."""
        words = self._words(EVIDENCE)
        final = self._recognized(words)
        if words:
            self.last, self.until = words[-1], words[-1].end
        self._kept = [kept for kept in self._kept if kept.is_live]
        return final

    def _words(self, evidence: int) -> list[_Word]:
        confirmed = [kept for kept in self._kept if kept.is_confirmed(evidence)]
        confirmed.sort(key=lambda kept: (kept.evidence, kept.speech.number), reverse=True)
        first = min((kept.first for kept in confirmed), default=0)
        claimed = bytearray(max((kept.end for kept in confirmed), default=0) - first + 1)
        words: list[_Word] = []
        for kept in confirmed:
            found = [(word, _block(word.middle, kept) - first) for word in _words_of(kept)]
            words += [w for w, block in found if w.middle > self.until and not claimed[block]]
            if found:  # a word at an end that it has only in part is left to another alignment
                begin = _block(found[0][0].start, kept) - first
                end = _block(found[-1][0].end, kept) - first
                claimed[begin : end + 1] = b"\1" * (end + 1 - begin)
        return sorted(words, key=lambda word: (word.start, word.end))

    def _recognized(self, words: list[_Word]) -> Recognized:
        last = self.last
        pieces = []
        for word in words:
            pieces.append(_separator(last, word) + word.speech.record.words.texts[word.index])
            last = word
        return Recognized(
            text="".join(pieces),
            words=tuple(
                RecognizedWord(
                    text=word.speech.record.words.texts[word.index],
                    start_seconds=max(0.0, word.start / RATE),
                    end_seconds=max(0.0, word.end / RATE),
                )
                for word in words
            ),
            language=words[0].speech.text.language if words else None,
        )


def _replaces(better: Alignment, ended: Alignment) -> bool:
    """Return whether *better* overlaps *ended*, and the words of *better* take all of its time."""
    return (
        ended.evidence < DOMINANT * better.evidence
        and ended.first < better.end
        and better.first < ended.end
        and _take_time(list(_words_of(better)), _words_of(ended))
    )


def _take_time(words: list[_Word], others: Iterator[_Word]) -> bool:
    """Return whether the middle of each of *others* is between the first and the last word."""
    if not words:
        return False
    return all(words[0].start <= other.middle <= words[-1].end for other in others)


def _block(sample: float, alignment: Alignment) -> int:
    """Return the block with that sample, within the alignment."""
    return min(alignment.end, max(alignment.first, int(sample // BLOCK)))


def _words_of(alignment: Alignment) -> Iterator[_Word]:
    """Yield the words that the alignment covers."""
    words, offset = alignment.speech.record.words, alignment.offset
    begin = alignment.first * BLOCK + offset
    for index in range(bisect_left(words.ends, begin / RATE), len(words)):
        start, end = words.starts[index] * RATE, words.ends[index] * RATE
        if start >= alignment.end * BLOCK + offset:
            break
        if alignment.covers(start, end) >= COVERED:
            yield _Word(alignment.speech, index, start - offset, end - offset)


def _separator(last: _Word | None, word: _Word) -> str:
    if last is None:
        return ""
    is_next = last.speech is word.speech and last.index + 1 == word.index
    return word.speech.text.separator(word.index) if is_next else " "

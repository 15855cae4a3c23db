"""The text of the alignments of one stream.

Where alignments overlap, as those with equal sentences do, the one with the most evidence gives the
words, and the newest speech if there are several.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia.server.recognition.aligned_words import AlignedWords, Word
from trio_cartesia.server.recognition.alignment import BLOCK, EVIDENCE, Alignment
from trio_cartesia.server.recognition.fingerprints import RATE
from trio_cartesia.server.recognition.interface import Recognized, RecognizedWord

__all__ = ["MatchedText"]

DOMINANT: Final = 0.8  # of the evidence of an alignment beside a better one
FIRM: Final = 12  # loud blocks, 290 ms, before words are in an interim text
MAX_KEPT: Final = 4096  # alignments since the last final text


@attrs.define(eq=False, repr=False)
class MatchedText:
    """The alignments since the last final text.

    Attributes:
        until: The end of the last final word, in samples.
        last: The last final word.
    """

    until: float = attrs.field(default=-1.0, init=False)
    last: Word | None = attrs.field(default=None, init=False)
    _kept: dict[Alignment, AlignedWords] = attrs.field(factory=dict, init=False)

    def keep(self, alignment: Alignment) -> None:
        """Keep an alignment that has begun; it may still grow."""
        self._kept[alignment] = AlignedWords(alignment)

    def prune(self, ended: Alignment) -> None:
        """Drop *ended* if a better alignment has compared all of its words, or it is too short."""
        if not ended.is_confirmed() or any(
            _replaces(other, self._kept[ended]) for other in self._kept.values()
        ):
            del self._kept[ended]
        elif len(self._kept) > MAX_KEPT:
            over = (kept for kept in self._kept if not kept.is_live)
            del self._kept[min(over, key=lambda kept: kept.evidence)]

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
        self._kept = {kept: words for kept, words in self._kept.items() if kept.is_live}
        return final

    def _words(self, evidence: int) -> list[Word]:
        confirmed = [kept for kept in self._kept if kept.is_confirmed(evidence)]
        confirmed.sort(key=lambda kept: (kept.evidence, kept.speech.number), reverse=True)
        first = min((kept.first for kept in confirmed), default=0)
        claimed = bytearray(max((kept.end for kept in confirmed), default=0) - first + 1)
        words: list[Word] = []
        for kept in confirmed:
            found = self._kept[kept].find()
            words += [
                word
                for word in found
                if word.middle > self.until and not claimed[_block(word, kept) - first]
            ]
            if found:
                begin, end = self._kept[kept].extent(found)
                claimed[begin - first : end - first + 1] = b"\1" * (end + 1 - begin)
        return sorted(words, key=lambda word: (word.start, word.end))

    def _recognized(self, words: list[Word]) -> Recognized:
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


def _replaces(other: AlignedWords, words: AlignedWords) -> bool:
    """Return whether *other* is better, and its words explain the time of *words*."""
    better, ended = other.alignment, words.alignment
    return (
        ended.evidence < DOMINANT * better.evidence
        and ended.first < better.end
        and better.first < ended.end
        and _explains(other, words.find())
    )


def _explains(aligned: AlignedWords, others: list[Word]) -> bool:
    """Return whether the middle of each of *others* is in the extent of the alignment's words."""
    found = aligned.find()
    if not found:
        return False
    begin, end = aligned.extent(found)
    return all(begin <= other.middle // BLOCK <= end for other in others)


def _block(word: Word, alignment: Alignment) -> int:
    """Return the block in the middle of a word, within the alignment."""
    return min(alignment.end, max(alignment.first, int(word.middle // BLOCK)))


def _separator(last: Word | None, word: Word) -> str:
    if last is None:
        return ""
    is_next = last.speech is word.speech and last.index + 1 == word.index
    return word.speech.text.separator(word.index) if is_next else " "

"""Captions from timed words: what is shown together, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia._protocol.text.letters import without_markup
from trio_cartesia._protocol.text.line_breaks import (
    caption_end,
    ends_clause,
    ends_sentence,
    fits,
    lines,
    tidy,
)
from trio_cartesia._protocol.text.timeline import TimedWord

__all__ = ["CHARACTERS_A_SECOND", "LONGEST_SECONDS", "SHORTEST_SECONDS", "Cue", "CueBuilder"]

CHARACTERS_A_SECOND: Final = 20.0  # that people read
SHORTEST_SECONDS: Final = 1.0  # where the next cue leaves it
LONGEST_SECONDS: Final = 7.0
SHORTEST_CHARACTERS: Final = 12  # of a cue that ends with its sentence: "Dr." is none
PAUSE_SECONDS: Final = 1.5  # between words of one cue, at most
MOST_AT_ONCE: Final = 512  # characters of a long text that are looked at, to cut it
GAP_SECONDS: Final = 0.04  # between two cues, where they would touch; no cue is shorter
LATEST_SECONDS: Final = 360_000.0  # a time past it is taken for it: SubRip has no later one


@attrs.frozen(kw_only=True)
class Cue:
    """A caption.

    Attributes:
        start_seconds: When it appears, from the start of the audio.
        end_seconds: When it goes, never after the next one appears.
        text: The words, with their punctuation and without markup.
        words: When each of them sounds.
    """

    start_seconds: float
    end_seconds: float
    text: str = attrs.field(repr=False)
    words: tuple[TimedWord, ...] = attrs.field(repr=lambda words: f"<{len(words)} items>")

    @property
    def lines(self) -> list[str]:
        """The text in at most two lines."""
        return lines(self.text)


@attrs.frozen
class _Word:
    """A word, or part of one that is too long for a cue.

    Attributes:
        text: It, with what stands before it in the transcript.
        start: When it begins, not before the word before it.
        end: When it ends.
        timed: The word; None for a part that is not its last.
    """

    text: str = attrs.field(repr=False)
    start: float
    end: float
    timed: TimedWord | None


@attrs.define(eq=False)
class CueBuilder:
    """Puts words together into cues, each as soon as the word after it is known.

    A cue ends with its sentence, before a pause of `PAUSE_SECONDS`, or before the word that would
    make it too long: then behind its last clause, if that is in its second half. A time that goes
    back is taken for the one before it, so cues never overlap.
    """

    _words: list[_Word] = attrs.field(factory=list, init=False, repr=False)
    _start: float = attrs.field(default=0.0, init=False)  # of the last word
    _end: float = attrs.field(default=0.0, init=False)  # likewise
    _shown_until: float = attrs.field(default=0.0, init=False)  # when the last cue goes

    def add(self, timed: TimedWord, text: str) -> list[Cue]:
        """Take the next word, and return the cues that end before it.

        Args:
            timed: The word.
            text: Its part of the transcript, from where that of the word before it ended.
        """
        found = []
        for word in self._parts(timed, without_markup(text)):
            while self._words and not self._takes(word):
                count = self._break_before(word)
                found += self._cues(self._words[:count], [*self._words[count:], word][0].start)
                self._words = self._words[count:]
            self._words.append(word)
        return found

    def finish(self, rest: str = "") -> list[Cue]:
        """Return the last cue; *rest* is what follows the last word, such as a mark."""
        if not self._words:
            return []
        words, self._words = self._words, []
        ended = attrs.evolve(words[-1], text=words[-1].text + without_markup(rest))
        if fits(_text([*words[:-1], ended])):
            words[-1] = ended
        return self._cues(words, None)

    def _parts(self, timed: TimedWord, text: str) -> Iterator[_Word]:
        """Yield a word with its time; one that is longer than a cue in parts that share it."""
        start = max(self._start, min(timed.start_seconds, LATEST_SECONDS))
        end = max(start, min(timed.end_seconds, LATEST_SECONDS))
        if not fits(tidy(text)):
            start, text = max(self._start, min(self._end, end)), tidy(text)
            at, seconds_a_character = 0, (end - start) / len(text)
            while (size := caption_end(text[at : at + MOST_AT_ONCE])) < len(text) - at:
                part_end = start + size * seconds_a_character
                yield _Word(text[at : at + size], start, part_end, None)
                start, at = part_end, at + size
            text = text[at:]
        self._start, self._end = start, end
        yield _Word(text, start, end, timed)

    def _takes(self, word: _Word) -> bool:
        if not word.text.strip() and word.timed and not any(map(str.isalnum, word.timed.word)):
            return True  # a mark, which is shown with the word before it
        shown = _text(self._words)
        is_apart = word.text[:1].isspace() or not shown.endswith(".")
        if ends_sentence(shown) and is_apart and len(shown) >= SHORTEST_CHARACTERS:
            return False
        if word.start - self._words[-1].end >= PAUSE_SECONDS:
            return False
        return self._has_room(word)

    def _has_room(self, word: _Word) -> bool:
        seconds = word.end - self._words[0].start
        return seconds <= LONGEST_SECONDS and fits(_text([*self._words, word]))

    def _break_before(self, word: _Word) -> int:
        """Return how many words the cue has that ends before *word*."""
        count = len(self._words)
        if self._has_room(word):
            return count
        behind_clauses = [n for n in range(count // 2 + 1, count) if self._ends_clause(n)]
        return behind_clauses[-1] if behind_clauses and not self._ends_clause(count) else count

    def _ends_clause(self, count: int) -> bool:
        return ends_clause(_text(self._words[:count]))

    def _cues(self, words: list[_Word], next_start: float | None) -> list[Cue]:
        """Return the cue of *words*; none if there is nothing to show."""
        text, start = _text(words), max(words[0].start, self._shown_until)
        if not text:
            return []
        spoken = max(word.end for word in words)
        end = max(spoken, start + SHORTEST_SECONDS, start + len(text) / CHARACTERS_A_SECOND)
        if next_start is not None:
            end = min(end, next_start - GAP_SECONDS)
        self._shown_until = end = max(end, start + GAP_SECONDS)
        timed = tuple(word.timed for word in words if word.timed is not None)
        return [Cue(start_seconds=start, end_seconds=end, text=text, words=timed)]


def _text(words: list[_Word]) -> str:
    return tidy("".join(word.text for word in words))

"""Captions from timed words: what is shown together, and for how long."""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia._protocol.text.letters import without_markup
from trio_cartesia._protocol.text.line_breaks import (
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
GAP_SECONDS: Final = 0.04  # between two cues, where they would touch


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


@attrs.define(eq=False)
class _Word:
    timed: TimedWord
    text: str = attrs.field(repr=False)  # with what stands before it in the transcript


@attrs.define(eq=False)
class CueBuilder:
    """Puts words together into cues, each as soon as the word after it is known.

    A cue ends with its sentence, before a pause of `PAUSE_SECONDS`, or before the word that would
    make it too long: then behind its last clause, if that is in its second half.
    """

    _words: list[_Word] = attrs.field(factory=list, init=False, repr=False)

    def add(self, timed: TimedWord, text: str) -> list[Cue]:
        """Take the next word, and return the cues that end before it.

        Args:
            timed: The word.
            text: Its part of the transcript, from where that of the word before it ended.
        """
        found = []
        word = _Word(timed, without_markup(text))
        while self._words and not self._takes(word):
            count = self._break_before(word)
            rest = self._words[count:]
            following = rest[0] if rest else word
            found.append(self._cue(self._words[:count], following.timed.start_seconds))
            self._words = rest
        self._words.append(word)
        return found

    def finish(self, rest: str = "") -> list[Cue]:
        """Return the last cues, with the *rest* of the transcript; none if there were no words."""
        if not self._words:
            return []
        self._words[-1].text += without_markup(rest)
        words, self._words = self._words, []
        found = []
        while words:  # the rest may be long
            cut = next((n for n in range(len(words), 0, -1) if fits(_text(words[:n]))), 1)
            after = words[cut].timed.start_seconds if cut < len(words) else None
            found.append(self._cue(words[:cut], after))
            words = words[cut:]
        return found

    def _takes(self, word: _Word) -> bool:
        last, shown = self._words[-1], _text(self._words)
        is_apart = word.text[:1].isspace() or not shown.endswith(".")
        if ends_sentence(shown) and is_apart and len(shown) >= SHORTEST_CHARACTERS:
            return False
        if word.timed.start_seconds - last.timed.end_seconds >= PAUSE_SECONDS:
            return False
        return self._has_room(word)

    def _has_room(self, word: _Word) -> bool:
        seconds = word.timed.end_seconds - self._words[0].timed.start_seconds
        return seconds <= LONGEST_SECONDS and fits(_text([*self._words, word]))

    def _break_before(self, word: _Word) -> int:
        """Return how many words the cue has that ends before *word*."""
        count = len(self._words)
        if self._has_room(word):
            return count
        behind_clauses = [n for n in range(count // 2 + 1, count) if self._ends_clause(n)]
        return behind_clauses[-1] if behind_clauses and not self._ends_clause(count) else count

    def _ends_clause(self, count: int) -> bool:
        return ends_clause(self._words[count - 1].text)

    def _cue(self, words: list[_Word], next_seconds: float | None) -> Cue:
        text, start = _text(words), words[0].timed.start_seconds
        spoken = max(word.timed.end_seconds for word in words)
        end = max(spoken, start + SHORTEST_SECONDS, start + len(text) / CHARACTERS_A_SECOND)
        if next_seconds is not None:
            end = min(end, max(next_seconds - GAP_SECONDS, start))
        return Cue(
            start_seconds=start,
            end_seconds=end,
            text=text,
            words=tuple(word.timed for word in words),
        )


def _text(words: list[_Word]) -> str:
    return tidy("".join(word.text for word in words))

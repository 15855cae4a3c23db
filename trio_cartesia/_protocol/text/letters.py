"""The letters of a transcript, folded for comparison, and where each stands in it.

Spoken words are compared with the transcript by letters and digits alone: case, accents,
punctuation and blanks may differ between the two. Markup is left out (protocol §2.14).
"""

from __future__ import annotations

import enum
import functools
import re
import unicodedata
from collections import deque
from typing import Final

import attrs

from trio_cartesia._protocol.text.markup import LONGEST_TAG, TAG, UNFINISHED_TAG

__all__ = ["Begins", "LetterStream", "folded", "without_markup"]

SCANNED_AT_ONCE: Final = 512  # characters

_PART: Final = re.compile(
    rf"(?P<letters>[^\W_]+)|(?P<blank>\s+)|(?P<tag>{TAG.pattern})|(?P<other>.)", re.DOTALL
)
# Scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_OPENING: Final = frozenset({"Ps", "Pi"})  # brackets and quotation marks
_OPENING_MARKS: Final = "¿¡"


class Begins(enum.IntEnum):
    """What begins at a letter."""

    NOTHING = 0
    RUN = 1  # of letters, after something else
    WORD = 2  # after a blank or markup, or in a script without blanks


@functools.lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """Return the letters and digits that stand for *character* when texts are compared."""
    plain = unicodedata.normalize("NFKD", character)
    plain = unicodedata.normalize("NFKD", plain.casefold())
    return "".join(filter(_counts, plain))


def _counts(character: str) -> bool:
    """Tell letters, digits and vowel signs from accents and everything else."""
    if character.isalnum():
        return True
    is_sign = unicodedata.category(character) in ("Mn", "Mc")
    return is_sign and not unicodedata.combining(character) and not _is_selector(character)


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or character >= "\U000e0100"


def folded(word: str) -> str:
    """Return what *word* is compared by; markup in it counts for nothing."""
    word = without_markup(word)
    return word.lower() if word.isascii() and word.isalnum() else "".join(map(_fold, word))


def without_markup(text: str) -> str:
    """Return *text* without tags and laughter (protocol §2.14)."""
    return TAG.sub("", text) if "<" in text or "[" in text else text


@attrs.define(eq=False)
class LetterStream:
    """The letters that follow a place in a text, which moves forward as letters are consumed.

    Text may arrive in any pieces, and is scanned when it is needed, so adding costs next to
    nothing and what is held here is the text that waits.

    Attributes:
        letters: Those that were scanned and not consumed, folded.
        begins: For each of them, what begins there.
        starts: For each of them, the offset of its character in the text, or of the opening
            punctuation before it.
        ends: The offset behind the last consumed letter with its punctuation, 0 if there is none;
            then the same for each of `letters`.
        is_whole: True once no more text will be added.
        is_in_run: True if the next character of the text may continue the last word.
    """

    letters: str = attrs.field(default="", init=False, repr=False)
    begins: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    starts: list[int] = attrs.field(factory=list, init=False, repr=False)
    ends: list[int] = attrs.field(factory=lambda: [0], init=False, repr=False)
    is_whole: bool = attrs.field(default=False, init=False)
    is_in_run: bool = attrs.field(default=False, init=False)
    _waiting: deque[str] = attrs.field(factory=deque, init=False, repr=False)
    _half_tag: str = attrs.field(default="", init=False, repr=False)
    _offset: int = attrs.field(default=0, init=False)  # of what was not scanned
    _next: Begins = attrs.field(default=Begins.WORD, init=False)  # at the next letter
    _opening: int | None = attrs.field(default=None, init=False)  # where its punctuation begins
    _takes_marks: bool = attrs.field(default=False, init=False)  # the last letter, what follows it

    def add(self, piece: str) -> None:
        """Append *piece* to the text."""
        for start in range(0, len(piece), SCANNED_AT_ONCE):
            self._waiting.append(piece[start : start + SCANNED_AT_ONCE])

    def scan(self) -> bool:
        """Scan a little more text; False if no more can be scanned now."""
        if not (self._waiting or (self._half_tag and self.is_whole)):
            return False
        parts, size = [self._half_tag], 0
        while self._waiting and size < SCANNED_AT_ONCE:
            parts.append(self._waiting.popleft())
            size += len(parts[-1])
        text = "".join(parts)
        half = None
        if self._waiting or not self.is_whole:
            half = UNFINISHED_TAG.search(text, max(0, len(text) - LONGEST_TAG))
        stop = half.start() if half else len(text)
        self._half_tag = text[stop:]
        self._scan(text[:stop])
        return True

    def consume(self, count: int) -> None:
        """Move past *count* letters."""
        self.letters = self.letters[count:]
        del self.begins[:count]
        del self.starts[:count]
        del self.ends[:count]

    def words(self, stop: int) -> list[tuple[int, int]]:
        """Return where the words before letter *stop* begin and end, in letters."""
        edges = [i for i in range(1, stop) if self.begins[i] == Begins.WORD]
        return list(zip([0, *edges], [*edges, stop], strict=True)) if stop else []

    def _scan(self, text: str) -> None:
        for match in _PART.finditer(text):
            at = self._offset + match.start()
            part = match.group()
            if match.lastgroup == "letters":
                self._add_letters(part, at)
            elif match.lastgroup == "other":
                self._add_mark(part, at)
            else:
                self._end_word(at + len(part) if part == "</spell>" else None)
        self._offset += len(text)

    def _add_letters(self, run: str, at: int) -> None:
        if run.isascii():
            self._append(run.lower(), range(at, at + len(run)))
            return
        for position, character in enumerate(run, at):
            is_unspaced = _UNSPACED.match(character)
            if is_unspaced:
                self._next = Begins.WORD
            letters = _fold(character)
            self._append(letters, [position] * len(letters))
            if is_unspaced:
                self._next = Begins.WORD

    def _append(self, letters: str, offsets: range | list[int]) -> None:
        if not letters:
            return
        first = len(self.begins)
        self.letters += letters
        self.begins += bytes(len(letters))
        self.begins[first] = self._next
        self.starts += offsets
        self.ends += [offset + 1 for offset in offsets]
        if self._opening is not None:
            self.starts[first] = self._opening
        self._next, self._opening = Begins.NOTHING, None
        self._takes_marks = self.is_in_run = True

    def _add_mark(self, mark: str, at: int) -> None:
        """Add what is no letter: it belongs to the letter before it, or else to the next."""
        if letters := _fold(mark):
            if self.is_in_run:  # a vowel sign
                self._next = Begins.NOTHING
            self._append(letters, [at] * len(letters))
            return
        if not unicodedata.combining(mark):
            self._next, self.is_in_run = max(self._next, Begins.RUN), False
        is_opening = unicodedata.category(mark) in _OPENING or mark in _OPENING_MARKS
        if self._takes_marks and not is_opening:
            self.ends[-1] = at + 1
            return
        self._takes_marks = False
        if self._opening is None:
            self._opening = at

    def _end_word(self, closed_at: int | None) -> None:
        if self._takes_marks and closed_at is not None:
            self.ends[-1] = closed_at
        else:
            self._takes_marks = False
        self._next, self._opening, self.is_in_run = Begins.WORD, None, False

"""The text of a turn, which only grows (protocol §4.4), from a text that may be revised."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Final

import attrs

__all__ = ["GrowingText"]

_WORD: Final = re.compile(r"\s*\S+")  # with the white space before it
_MARKS: Final = re.compile(r"[^\w]+")  # which do not make another word


@attrs.define
class GrowingText:
    """The text of one turn.

    Words are taken once two successive texts agree on them, since a recogniser revises its last
    words most.

    Attributes:
        text: What was taken so far; it is never revised.
    """

    text: str = attrs.field(default="", repr=False)
    _last: str = attrs.field(default="", repr=False)

    def update(self, text: str) -> bool:
        """Take the words that *text* and the different one before it begin with.

        Returns:
            Whether there are new ones.
        """
        if text == self._last:  # most often so
            return False
        pairs = zip(_words(text), _words(self._last), strict=False)
        agreed = takewhile(lambda pair: pair[0] == pair[1], pairs)
        self._last = text
        return self.take("".join(word for word, _ in agreed))

    def take(self, text: str) -> bool:
        """Take all words of *text* that follow those that were taken already.

        Returns:
            Whether there are new ones.
        """
        before = self.text
        text = text.strip()
        if text.startswith(before):
            self.text = text
        else:
            words, taken = _words(text), _words(before)
            self.text = before + "".join(words[_place(taken, words) :])
        return self.text != before


def _words(text: str) -> list[str]:
    return _WORD.findall(text.strip())


def _place(taken: list[str], words: list[str]) -> int:
    """Return where in *words* the text goes on after *taken*."""
    matcher = SequenceMatcher(None, _plain(taken), _plain(words), autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if not blocks:
        return len(taken)
    last = blocks[-1]
    return last.b + len(taken) - last.a


def _plain(words: list[str]) -> list[str]:
    return [_MARKS.sub("", word).lower() for word in words]

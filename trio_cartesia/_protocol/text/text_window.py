"""The place in a text that is being read, while the text still arrives."""

from __future__ import annotations

import re
from typing import Final

import attrs

__all__ = ["LOOKAHEAD_CHARACTERS", "TextWindow"]

LOOKAHEAD_CHARACTERS: Final = 1024


@attrs.define(eq=False)
class TextWindow:
    """A text from the place that is read next, with the character before it.

    What is decided at a place may depend on the next `LOOKAHEAD_CHARACTERS` and on nothing behind
    them; so it is the same however the text is split, as long as a decision waits for those of
    them that matter.

    Attributes:
        offset: Of the place, in the text.
        is_whole: True once no more will be added.
    """

    offset: int = attrs.field(default=0, init=False)
    is_whole: bool = attrs.field(default=False, init=False)
    _text: str = attrs.field(default="", init=False, repr=False)
    _at: int = attrs.field(default=0, init=False)

    def add(self, piece: str) -> None:
        """Append *piece*; what was read is dropped."""
        kept = max(0, self._at - 1)
        self._text, self._at = self._text[kept:] + piece, self._at - kept

    @property
    def before(self) -> str:
        """The character before the place; a line feed at the start of the text."""
        return self._text[self._at - 1] if self._at else "\n"

    @property
    def character(self) -> str:
        """The next character; empty where none has come."""
        return self._text[self._at : self._at + 1]

    def after(self, count: int) -> str:
        """Return the character behind the next *count*; empty where none has come."""
        return self._text[self._at + count : self._at + count + 1]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match what comes next, up to the end of the lookahead."""
        return pattern.match(self._text, self._at, self._at + LOOKAHEAD_CHARACTERS)

    def next_match(self, pattern: re.Pattern[str]) -> str:
        """Return what `match` finds; empty where that is nothing."""
        match = self.match(pattern)
        return match.group() if match else ""

    def match_all(self, pattern: re.Pattern[str]) -> str:
        """Return what *pattern* finds at the place, in all that has come; empty for nothing."""
        match = pattern.match(self._text, self._at)
        return match.group() if match else ""

    def next(self, count: int) -> str:
        """Return the next *count* characters."""
        return self._text[self._at : self._at + count]

    def waits_for(self, beginning: re.Pattern[str]) -> bool:
        """Return whether all that has come matches *beginning*, and the rest may still come."""
        is_known = self.is_whole or len(self._text) - self._at >= LOOKAHEAD_CHARACTERS
        return not is_known and self.match(beginning) is not None

    def skip(self, count: int) -> None:
        """Move behind the next *count* characters."""
        self._at += count
        self.offset += count

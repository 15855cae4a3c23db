"""Pieces of a text, as a language model makes them, and what of them can be sent.

A tokenizer ends pieces anywhere: inside a tag, which the service would read aloud (protocol §2.6),
inside a number, or between the code points of one character. Such an end is held until the pieces
behind it have made it whole.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.text.markup import UNFINISHED_MARKUP

__all__ = ["HELD_CHARACTERS", "PieceAssembler"]

HELD_CHARACTERS: Final = 1024  # the longest markup has 1,015

_ENDS_WHOLE: Final = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \n!?;"()*_')
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"

_CURRENCY: Final = "$\u00a2-\u00a5\u20a0-\u20cf"
_BLANKS: Final = "\u00a0\u2009\u202f"  # between groups of digits, as is a plain one
_IN_NUMBERS: Final = rf".,:/'\u2019\u066b\u066c{_BLANKS}-"
_RUN: Final = rf"[!-;=?-~\d{_CURRENCY}\u2019\u2212]*"  # of what a number may be written with
_NUMBER_BACKWARDS: Final = re.compile(
    rf"(?:[{_IN_NUMBERS}]?(?=\d)|[{_CURRENCY}](?:[ {_BLANKS}](?=\d))?)"
    rf"{_RUN}(?:(?<=\d)[ {_BLANKS}](?=\d){_RUN}){{0,5}}"
)

_GOES_ON: Final = frozenset({"Mn", "Mc", "Me", "Cf", "So", "Sk"})  # marks, joiners, emoji
_TAKES_MARKS: Final = re.compile(  # letters: Hebrew to Burmese, Khmer, and Hangul in parts
    "[\u0590-\u109f\u1100-\u11ff\u1780-\u17ff\ua960-\ua97f\ud7b0-\ud7ff]"
)
_PAIR: Final = re.compile(  # of a flag, or of parts of a Hangul syllable
    "[\U0001f1e6-\U0001f1ff]{2}|[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]{2}"
)
_EXTENDS: Final = re.compile("[\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_VIRAMA: Final = 9  # the combining class of signs that join two consonants


@attrs.define(eq=False)
class PieceAssembler:
    """Turns pieces into inputs that can be spoken one after the other.

    An end of a piece is held while it is

    - unfinished markup, or a surrogate without its other half;
    - a number, with a separator or sign of currency behind it, and the word it is part of;
    - an emoji, or a character that another may join.

    A text also begins with a word: punctuation and blanks before that are held, since the service
    may refuse a first input without a word (protocol §6a E4).

    Inputs joined are the pieces joined, except that two surrogates become their character, and a
    lone one U+FFFD. Nothing is held once it has more than `HELD_CHARACTERS`.

    Args:
        are_spoken_alone: True where the service speaks each input by itself: then numbers and
            characters are not held, since their sentences would be cut.
        has_begun: True where text was sent before.

    Attributes:
        held: What is held, without a surrogate.
        is_unfinished: True if that is not fit to be spoken, whatever follows.
    """

    _are_spoken_alone: bool = attrs.field(default=False, kw_only=True)
    _has_begun: bool = attrs.field(default=False, kw_only=True)
    held: str = attrs.field(default="", init=False, repr=False)
    is_unfinished: bool = attrs.field(default=False, init=False)
    _half: str = attrs.field(default="", init=False, repr=False)

    def add(self, piece: str) -> str:
        """Return what can be sent now that *piece* has come; it may be empty.

        Raises:
            LocalProtocolError: It is no str.
        """
        if not isinstance(piece, str):
            raise LocalProtocolError(f"a piece must be a str, not {type(piece).__name__}")
        if self._half or not piece.isascii():
            piece = self._join_halves(piece)
        text = self.held + piece if self.held else piece
        if not text:
            return ""
        if (
            self._has_begun
            and (self._are_spoken_alone or text[-1] in _ENDS_WHOLE)
            and "<" not in text
            and "[" not in text
        ):
            self.held = ""
            return text
        return self._hold(text)

    def clear(self) -> None:
        """Forget what is held: it was sent, since nothing followed for a while."""
        self.held, self._has_begun = "", True

    def finish(self) -> str:
        """Return the rest of the text; nothing if there was no word in all of it."""
        rest = self.held + (_REPLACEMENT if self._half else "")
        self.held = self._half = ""
        return rest if self._has_begun or not _is_wordless(rest) else ""

    def _join_halves(self, piece: str) -> str:
        piece = self._half + piece
        self._half = piece[-1] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        if self._half:
            piece = piece[:-1]
        if _SURROGATE.search(piece):
            data = piece.encode("utf-16-le", "surrogatepass")
            piece = data.decode("utf-16-le", "replace")
        return piece

    def _hold(self, text: str) -> str:
        """Hold the end of *text* that may not be whole; return the rest."""
        end = len(text)
        start = end if self._are_spoken_alone else _start_of_end(text)
        self.is_unfinished = False
        if "<" in text or "[" in text:
            markup = UNFINISHED_MARKUP.search(text, max(0, end - HELD_CHARACTERS))
            if markup is not None:
                start, self.is_unfinished = min(start, markup.start()), True
        if not self._has_begun and _is_wordless(text[:start]):
            start = 0
            self.is_unfinished = self.is_unfinished or _is_wordless(text)
        if end - start > HELD_CHARACTERS:
            start = end
        self._has_begun = self._has_begun or start > 0
        self.held = text[start:]
        return text[:start]


def _start_of_end(text: str) -> int:
    """Find where the number or character begins that ends *text*, and may go on."""
    number = _NUMBER_BACKWARDS.match(text[: -HELD_CHARACTERS - 2 : -1])
    if number is not None:
        return len(text) - number.end()
    start = len(text)
    lowest = max(0, start - HELD_CHARACTERS - 1)
    if _may_go_on(text[-1]):
        start -= 1
        while start > lowest and _are_joined(text[start - 1], text[start]):
            start -= 1
    return start


def _may_go_on(last: str) -> bool:
    if last.isascii():
        return False
    category = unicodedata.category(last)
    return category in _GOES_ON or (category == "Lo" and _TAKES_MARKS.match(last) is not None)


def _are_joined(before: str, after: str) -> bool:
    return (
        unicodedata.category(after).startswith("M")
        or before == "\u200d"
        or _EXTENDS.match(after) is not None
        or _PAIR.match(before + after) is not None
        or unicodedata.combining(before) == _VIRAMA
    )


def _is_wordless(text: str) -> bool:
    """Return whether *text* has nothing but white space and punctuation; symbols have names."""
    return all(
        character.isspace() or unicodedata.category(character).startswith("P") for character in text
    )

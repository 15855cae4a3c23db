"""Where captions break: into lines of bounded width, at clauses where there are some."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

__all__ = [
    "LINE_COLUMNS",
    "MOST_LINES",
    "caption_end",
    "ends_clause",
    "ends_sentence",
    "fits",
    "joins_without_blank",
    "lines",
    "tidy",
]

LINE_COLUMNS: Final = 42  # a caption line; a wide character (Chinese, Japanese, Korean) takes 2.5
MOST_LINES: Final = 2

_SENTENCE_ENDS: Final = ".!?…\u3002\uff01\uff1f\u061f\u0964"  # with those of Chinese, Arabic, Hindi
_CLAUSE_ENDS: Final = _SENTENCE_ENDS + ",;:—\u2013\uff0c\u3001\uff1b\uff1a\u060c\u061b"
_CLOSING: Final = frozenset({"Pe", "Pf"})
_CLOSING_MARKS: Final = "\"'" + _CLAUSE_ENDS + "ーっゃゅょッャュョ々"


def tidy(text: str) -> str:
    """Return *text* with single blanks, and none around it."""
    return " ".join(text.split())


def ends_sentence(text: str) -> bool:
    """Tell whether *text* ends with a sentence."""
    return _last_mark(text) in _SENTENCE_ENDS


def ends_clause(text: str) -> bool:
    """Tell whether *text* ends with a clause or a sentence."""
    return _last_mark(text) in _CLAUSE_ENDS


def fits(text: str) -> bool:
    """Tell whether *text*, which is tidy, fits into one caption."""
    return caption_end(text) == len(text)


def caption_end(text: str) -> int:
    """Return how many characters of *text*, which is tidy, fit into one caption."""
    end = 0
    for _ in range(MOST_LINES):
        end = _line_end(text, end)
    return end


def lines(text: str) -> list[str]:
    """Break *text*, which is tidy and fits into one caption, into lines.

    Two lines break behind a clause, or else where they are most alike.
    """
    end = _line_end(text, 0)
    if end == len(text):
        return [text] if text else []
    places = [at for at in range(1, end) if _may_break(text[at - 1], text[at])]
    pairs = [at for at in places if _line_end(text, at) == len(text)]
    at = min([*pairs, end], key=lambda at: _cost(text, at))
    return [text[:at].rstrip(), text[at:].lstrip()]


def joins_without_blank(before: str, after: str) -> bool:
    """Tell whether two words are written without a blank between them: Chinese or Japanese."""
    return bool(before and after) and _is_unspaced(before[-1]) and _is_unspaced(after[0])


def _last_mark(text: str) -> str:
    """Return the last character of *text* that is neither a blank nor closes a quotation."""
    for character in reversed(text):
        if not character.isspace() and character not in "\"'" and not _closes(character):
            return character
    return " "


def _closes(character: str) -> bool:
    return unicodedata.category(character) in _CLOSING


def _cost(text: str, at: int) -> tuple[bool, float]:
    first, second = _width(text[:at].rstrip()), _width(text[at:].lstrip())
    is_lopsided = min(first, second) * 3 < max(first, second)
    return is_lopsided or not ends_clause(text[:at]), abs(first - second)


def _line_end(text: str, start: int) -> int:
    """Return where the longest line ends that begins at *start*, with the blank behind it.

    A word that is wider than a line is cut.
    """
    columns, end = 0.0, start
    for at in range(start, len(text)):
        columns += _columns(text[at])
        if at > start and _may_break(text[at - 1], text[at]):
            end = at
        if columns > LINE_COLUMNS and not text[at].isspace():
            return end if end > start else at
    return len(text)


def _may_break(before: str, after: str) -> bool:
    if before.isspace():
        return True
    if before.isascii() and after.isascii():
        return False
    if not (_is_unspaced(before) or _is_unspaced(after)) or after.isspace():
        return False
    is_opening = unicodedata.category(before) in ("Ps", "Pi")
    return not (is_opening or _closes(after) or after in _CLOSING_MARKS or _is_mark(after))


def _width(text: str) -> float:
    return len(text) if text.isascii() else sum(map(_columns, text))


@functools.lru_cache(maxsize=1024)
def _columns(character: str) -> float:
    return 2.5 if _is_wide(character) else 0 if _is_mark(character) else 1


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _is_unspaced(character: str) -> bool:
    return _is_wide(character) and not "\uac00" <= character <= "\ud7a3"  # Korean has blanks


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf")

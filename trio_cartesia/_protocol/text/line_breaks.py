"""Where captions break: into lines of bounded width, at clauses where there are some."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["LINE_COLUMNS", "MOST_LINES", "ends_clause", "ends_sentence", "fits", "lines", "tidy"]

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
    """Tell whether *text* fits into one caption."""
    return len(lines(text)) <= MOST_LINES


def lines(text: str) -> list[str]:
    """Break *text*, which is tidy, into as few lines as can be, none wider than `LINE_COLUMNS`.

    Two lines break behind a clause, or else where they are most alike. A word that is wider than a
    line is cut.
    """
    if _width(text) <= LINE_COLUMNS:
        return [text] if text else []
    places = [at for at in _places(text) if _width(text[:at].rstrip()) <= LINE_COLUMNS]
    pairs = [at for at in places if _width(text[at:].lstrip()) <= LINE_COLUMNS]
    if pairs:
        at = min(pairs, key=lambda at: _cost(text, at))
        return [text[:at].rstrip(), text[at:].lstrip()]
    at = places[-1] if places else _widest_prefix(text)
    return [text[:at].rstrip(), *lines(text[at:].lstrip())]


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


def _places(text: str) -> list[int]:
    """Return where a line may end: behind a blank, and around wide characters."""
    return [at for at in range(1, len(text)) if _may_break(text[at - 1], text[at])]


def _may_break(before: str, after: str) -> bool:
    if before.isspace():
        return True
    if not (_is_wide(before) or _is_wide(after)) or after.isspace():
        return False
    is_opening = unicodedata.category(before) in ("Ps", "Pi")
    return not (is_opening or _closes(after) or after in _CLOSING_MARKS or _is_mark(after))


def _widest_prefix(text: str) -> int:
    at = 1
    while at < len(text) and (_is_mark(text[at]) or _width(text[: at + 1]) <= LINE_COLUMNS):
        at += 1
    return at


def _width(text: str) -> float:
    if text.isascii():
        return len(text)
    return sum(2.5 if _is_wide(each) else 0 if _is_mark(each) else 1 for each in text)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf")

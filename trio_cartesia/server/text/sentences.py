"""Where text may be cut, so that it can be spoken piece by piece.

A piece is a sentence with the blanks that follow it, or part of one that is too long. Where a
piece ends depends on nothing but the text from its start to `LONGEST` characters and one more.
So text that arrives bit by bit is cut exactly like text that was there at once, and a piece costs
the same however much text follows. Within a piece, each place is judged by the few characters
before it, whatever those are.
"""

# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["AHEAD", "LONGEST", "cut", "first_piece", "is_wordless", "join_halves", "split"]

LONGEST: Final = 300  # characters of a piece
AHEAD: Final = LONGEST + 2  # characters that tell where a piece ends

_CLOSERS: Final = "\"'”’»)\\]}」』）】》"
_CJK_ENDS: Final = "。！？｡．"
_OTHER_ENDS: Final = ".!?…؟۔।॥"
_ENDS: Final = f"{_OTHER_ENDS}{_CJK_ENDS}"
_PAUSES: Final = ",;:،؛—–"
_CJK_PAUSES: Final = "、，；："

_SENTENCE_END: Final = re.compile(  # each run of marks is tried once, from its start
    rf"(?<![{_ENDS}])[{_OTHER_ENDS}]*+[{_CJK_ENDS}][{_ENDS}]*[{_CLOSERS}]*\s*"  # no blank needed
    rf"|(?<![{_ENDS}])(?P<mark>[{_ENDS}]++[{_CLOSERS}]*+)\s+"
    r"|[\n\r\u2028\u2029]\s*"
)
_NEW_LINE: Final = re.compile(r"[\n\r\u2028\u2029]")
_CLAUSE_END: Final = re.compile(
    rf"[{_CJK_PAUSES}{_CJK_ENDS}][{_CLOSERS}]*\s*|[{_PAUSES}{_ENDS}][{_CLOSERS}]*\s+"
)
_BLANK: Final = re.compile(r"\s+")

_ABBREVIATED: Final = re.compile(  # what stands before a full stop that ends no sentence
    r"(?<!\w)(?:(?i:dr|mrs?|ms|prof|st|vs|gen|col|sgt|capt|lt|rev|hon|messrs|mme|mlle|fig|approx"
    r"|e\.g|i\.e|z\.b|d\.h|u\.a|bzw|ca|nr)|[A-HJ-Z])\Z"
)
_NUMBERED: Final = re.compile(r"\s*\d{1,3}")  # an entry of a list: "1. Wash your hands."
_BEFORE: Final = 8  # characters: more than any of those has
_HALVES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def split(text: str) -> list[str]:
    """Cut *text* into pieces to be spoken one by one.

    Returns:
        Pieces of at most `LONGEST` characters, which make *text* when joined.
    """
    pieces, start = [], 0
    while start < len(text):
        ahead = text[start : start + AHEAD]
        pieces.append(ahead[: first_piece(ahead, whole=len(text) - start <= AHEAD)])
        start += len(pieces[-1])
    return pieces


def first_piece(text: str, *, whole: bool) -> int:
    """Find where the first piece of *text* ends.

    A sentence is complete only when more than blanks stands after it. Half a character at the end
    counts only when its other half is there, or will not come.

    Args:
        text: Its first `AHEAD` characters are enough.
        whole: Whether this is all, and not the start of a longer text.

    Returns:
        How many characters the piece has. 0 if that depends on the text to come; there are at most
        `LONGEST` characters then, not counting such a half.
    """
    window = text[: LONGEST + 1]
    if not whole and len(text) == len(window) and "\ud800" <= window[-1:] <= "\udbff":
        window = window[:-1]
    end = _sentence_end(window)
    if end is None and len(window) > LONGEST:
        end = cut(window, LONGEST)
    return end or (len(window) if whole else 0)


def join_halves(text: str) -> str:
    """Make one character of any two halves (UTF-16 surrogates) that inputs have brought apart."""
    return _HALVES.sub(lambda match: _character(match.group()), text)


def _character(halves: str) -> str:
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def is_wordless(text: str) -> bool:
    """Return whether *text* is not empty, and nothing but white space and punctuation.

    Symbols such as ``$`` and emoji are neither: voices read them by their names.
    """
    return bool(text) and all(
        character.isspace() or unicodedata.category(character).startswith("P") for character in text
    )


def cut(text: str, longest: int) -> int:
    """Find a place to cut *text*: a pause, or a blank, or where it does least harm.

    It is in the second half of the longest piece allowed: any two pieces in a row have more than
    *longest* characters, and so a text has few pieces for its length.

    Args:
        text: More than *longest* characters; only one more makes a difference.
        longest: Characters that the piece may have.

    Returns:
        How many characters the piece gets.
    """
    for pattern in (_CLAUSE_END, _BLANK):
        ends = [min(match.end(), longest) for match in pattern.finditer(text, 0, longest + 1)]
        for end in reversed(ends):
            if 2 * end > longest and not _joined(text, end):
                return end
    places = range(longest, longest // 2, -1)
    return next((end for end in places if not _joined(text, end)), longest)


def _sentence_end(window: str) -> int | None:
    """Find where the first sentence ends, if a character after it shows that it does."""
    for match in _SENTENCE_END.finditer(window):
        end = match.end()
        if end < len(window) and _ends_sentence(window, match) and not _joined(window, end):
            return end
    return None


def _ends_sentence(window: str, match: re.Match[str]) -> bool:
    if _NEW_LINE.search(match.group()):
        return not window[: match.end()].isspace()
    if match["mark"] != ".":
        return True
    start = match.start()
    is_abbreviated = _ABBREVIATED.search(window, max(0, start - _BEFORE), start)
    return not (is_abbreviated or _NUMBERED.fullmatch(window, 0, start))


def _joined(text: str, end: int) -> bool:
    """Return whether the character at *end* makes one with that before it."""
    last, following = text[end - 1], text[end]
    return (
        unicodedata.category(following).startswith("M")
        or "\u200d" in (last, following)  # joins emoji, and letters of some scripts
        or "\U0001f3fb" <= following <= "\U0001f3ff"  # the colour of a hand or a face
        or ("\ud800" <= last <= "\udbff" and "\udc00" <= following <= "\udfff")
    )

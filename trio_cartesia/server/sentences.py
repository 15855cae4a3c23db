"""
Where text may be cut, so that it can be spoken piece by piece.

A piece is a sentence with the blanks that follow it, or part of one that is too long. Where a
piece ends depends on nothing but the text from its start to `LONGEST` characters and one more.
So text that arrives bit by bit is cut exactly like text that was there at once.
"""

# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

__all__ = ["LONGEST", "cut", "split", "take_complete"]

LONGEST: Final = 300  # characters of a piece

_CLOSERS: Final = "\"'”’»)\\]}」』）】》"
_CJK_ENDS: Final = "。！？｡．"
_ENDS: Final = f".!?…؟۔।॥{_CJK_ENDS}"
_PAUSES: Final = ",;:،؛—–"
_CJK_PAUSES: Final = "、，；："

_SENTENCE_END: Final = re.compile(
    rf"[{_ENDS}]*[{_CJK_ENDS}][{_ENDS}]*[{_CLOSERS}]*\s*"  # no blank needed
    rf"|(?P<mark>[{_ENDS}]+[{_CLOSERS}]*)\s+"
    r"|[^\S\n\r\u2028\u2029]*[\n\r\u2028\u2029]\s*"
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
_NUMBERED: Final = re.compile(r"\s*\d{1,3}\Z")  # an entry of a list: "1. Wash your hands."
_IN_TAG: Final = re.compile(r"<(?:[^\s<>\d=-][^<>]{0,80})?\Z")
_SPELL: Final = re.compile(r"<(/?)spell\s*>", re.IGNORECASE)


def split(text: str) -> list[str]:
    """
    Cut *text* into pieces to be spoken one by one.

    Returns:
        Pieces of at most `LONGEST` characters, which make *text* when joined.
    """
    return list(_pieces(text, whole=True))


def take_complete(text: str) -> tuple[str, str]:
    """
    Take the pieces off *text* that stay as they are, whatever text may follow.

    A sentence is complete only when more than blanks stands after it.

    Returns:
        Those pieces, joined, for `split` to cut at the same places again; and the rest, which has
        at most `LONGEST` characters and goes before the text that comes next.
    """
    size = sum(map(len, _pieces(text, whole=False)))
    return text[:size], text[size:]


def cut(text: str, longest: int) -> int:
    """
    Find a place to cut *text*: a pause, or a blank, or where it does least harm.

    It is in the second half of the longest piece allowed: any two pieces in a row have more than
    *longest* characters, without which `split` would not find the cuts of `take_complete` again.

    Args:
        text: More than *longest* characters; only one more makes a difference.
        longest: Characters that the piece may have.

    Returns:
        How many characters the piece gets.
    """
    for pattern in (_CLAUSE_END, _BLANK):
        ends = [min(match.end(), longest) for match in pattern.finditer(text, 0, longest + 1)]
        for end in reversed(ends):
            if 2 * end > longest and _may_cut(text, end):
                return end
    places = range(longest, longest // 2, -1)
    in_one = next((end for end in places if _may_cut(text, end)), None)
    return in_one or next((end for end in places if not _joined(text, end)), longest)


def _pieces(text: str, *, whole: bool) -> Iterator[str]:
    """
    Yield the pieces of *text*; the last one only if this is the *whole* text.
    """
    start = 0
    while start < len(text):
        window = text[start : start + LONGEST + 1]
        end = _sentence_end(window)
        if end is None and len(window) > LONGEST:
            end = cut(window, LONGEST)
        elif end is None and whole:
            end = len(window)
        if end is None:
            return
        yield window[:end]
        start += end


def _sentence_end(window: str) -> int | None:
    """
    Find where the first sentence ends, if a character after it shows that it does.
    """
    for match in _SENTENCE_END.finditer(window):
        end = match.end()
        if end < len(window) and _ends_sentence(window, match) and _may_cut(window, end):
            return end
    return None


def _ends_sentence(window: str, match: re.Match[str]) -> bool:
    before = window[: match.start()]
    if _NEW_LINE.search(match.group()):
        return bool(window[: match.end()].strip())
    if match["mark"] != ".":
        return True
    return not (_ABBREVIATED.search(before) or _NUMBERED.match(before))


def _may_cut(text: str, end: int) -> bool:
    """
    Return whether a cut at *end* leaves characters and markup in one.
    """
    before = text[:end]
    if _joined(text, end) or _IN_TAG.search(before):
        return False
    tags = _SPELL.findall(before)
    return not tags or tags[-1] == "/"


def _joined(text: str, end: int) -> bool:
    """
    Return whether the character at *end* makes one with that before it.
    """
    last, following = text[end - 1], text[end]
    return (
        unicodedata.category(following).startswith("M")
        or "\u200d" in (last, following)  # joins emoji, and letters of some scripts
        or "\U0001f3fb" <= following <= "\U0001f3ff"  # the colour of a hand or a face
        or ("\ud800" <= last <= "\udbff" and "\udc00" <= following <= "\udfff")
    )

"""Cut text into pieces that are spoken one by one.

A piece is a sentence with the blanks that follow it, or a part of a sentence that is too long. The
end of a piece depends only on the `LONGEST` + 1 characters from its start. Therefore text that
arrives in small parts is cut exactly like text that arrives at once, and the cost of a piece does
not depend on the text that follows.
"""

# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["AHEAD", "LONGEST", "cut", "first_piece", "is_wordless", "join_halves", "split"]

LONGEST: Final = 300  # characters of a piece
AHEAD: Final = LONGEST + 2  # characters that determine where a piece ends

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

_ABBREVIATED: Final = re.compile(  # a word whose full stop does not end the sentence
    r"(?<!\w)(?:(?i:dr|mrs?|ms|prof|st|vs|gen|col|sgt|capt|lt|rev|hon|messrs|mme|mlle|fig|approx"
    r"|e\.g|i\.e|z\.b|d\.h|u\.a|bzw|ca|nr)|[A-HJ-Z])\Z"
)
_NUMBERED: Final = re.compile(r"\s*\d{1,3}")  # an entry of a list: "1. Wash your hands."
_BEFORE: Final = 8  # characters: more than any of those words has
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
    """Return the length of the first piece of *text*.

    A sentence is complete only if a character other than a blank follows it. A half of a surrogate
    pair at the end of *text* is ignored, unless *whole*.

    Args:
        text: The text; characters after the first `AHEAD` are ignored.
        whole: Whether the text is complete, rather than the start of a longer one.

    Returns:
        The number of characters in the piece; 0 if it depends on the text that follows. Then *text*
        has at most `LONGEST` characters, without an ignored half.
    """
    window = text[: LONGEST + 1]
    if not whole and len(text) == len(window) and "\ud800" <= window[-1:] <= "\udbff":
        window = window[:-1]
    end = _sentence_end(window)
    if end is None and len(window) > LONGEST:
        end = cut(window, LONGEST)
    return end or (len(window) if whole else 0)


def join_halves(text: str) -> str:
    """Combine the halves of characters (UTF-16 surrogates) that were split between two inputs."""
    return _HALVES.sub(lambda match: _character(match.group()), text)


def _character(halves: str) -> str:
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def is_wordless(text: str) -> bool:
    """Return whether *text* is not empty and contains only white space and punctuation.

    Symbols such as ``$`` and emoji count as words, because voices read their names.
    """
    return bool(text) and all(
        character.isspace() or unicodedata.category(character).startswith("P") for character in text
    )


def cut(text: str, longest: int) -> int:
    """Return where to cut *text*: after a pause, or a blank, or else between two characters.

    The cut is in the second half of the longest piece. Therefore two successive pieces have more
    than *longest* characters together, which bounds the number of pieces.

    Args:
        text: More than *longest* characters; those after the next one are ignored.
        longest: The most characters of the piece.

    Returns:
        The number of characters in the piece.
    """
    for pattern in (_CLAUSE_END, _BLANK):
        ends = [min(match.end(), longest) for match in pattern.finditer(text, 0, longest + 1)]
        for end in reversed(ends):
            if 2 * end > longest and not _joined(text, end):
                return end
    places = range(longest, longest // 2, -1)
    return next((end for end in places if not _joined(text, end)), longest)


def _sentence_end(window: str) -> int | None:
    """Return the end of the first sentence, if a character after it confirms the end."""
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
    """Return whether the character at *end* is displayed as one with the character before it."""
    last, following = text[end - 1], text[end]
    return (
        unicodedata.category(following).startswith("M")
        or "\u200d" in (last, following)  # joins emoji, and letters of some scripts
        or "\U0001f3fb" <= following <= "\U0001f3ff"  # the colour of a hand or a face
        or ("\ud800" <= last <= "\udbff" and "\udc00" <= following <= "\udfff")
    )

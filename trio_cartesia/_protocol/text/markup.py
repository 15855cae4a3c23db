"""What markup of a transcript looks like (protocol §2.14), whole or unfinished.

Attributes are not read: a tag that the service may not know goes through as it was written.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "LASTING_TAG",
    "LONGEST_TAG",
    "MARKUP",
    "TAG",
    "UNFINISHED_MARKUP",
    "UNFINISHED_TAG",
    "has_words",
]

LONGEST_SPELLING: Final = 1000  # characters between the tags
LONGEST_PHONEMES: Final = 200  # characters between the brackets
LONGEST_ATTRIBUTES: Final = 64  # characters

_NAMES: Final = ("break", "pause", "speed", "volume", "emotion")
_ATTRIBUTES: Final = rf"\s[^<>]{{0,{LONGEST_ATTRIBUTES}}}"
_HEAD: Final = rf"<(?:{'|'.join(_NAMES)}){_ATTRIBUTES}"
_SPELLING: Final = rf"<spell>[^<]{{0,{LONGEST_SPELLING}}}"
_PHONEMES: Final = rf"<<[^\s<>]{{0,{LONGEST_PHONEMES}}}"


def _beginnings(*words: str) -> str:
    """Return a pattern of all beginnings of *words*, whole ones included."""
    parts = {word[:size] for word in words for size in range(1, len(word) + 1)}
    return f"(?:{'|'.join(map(re.escape, sorted(parts, key=len, reverse=True)))})"


MARKUP: Final = re.compile(rf"{_HEAD}>|{_SPELLING}</spell>|{_PHONEMES}>>|\[laughter\]")

UNFINISHED_MARKUP: Final = re.compile(  # it ends the text
    rf"(?:{_HEAD}|{_SPELLING}{_beginnings('</spell')}?|{_PHONEMES}>?"
    rf"|{_beginnings('<spell', *(f'<{name}' for name in _NAMES), '[laughter')})\Z"
)

# Each tag for itself, so that what is spelled between two of them is text.
_TAG_BEGINNINGS: Final = _beginnings(
    "<spell", "</spell", *(f"<{name}" for name in _NAMES), "[laughter"
)
TAG: Final = re.compile(rf"{_HEAD}>|</?spell>|\[laughter\]")
UNFINISHED_TAG: Final = re.compile(rf"(?:{_HEAD}|{_TAG_BEGINNINGS})\Z")  # it ends the text
LONGEST_TAG: Final = LONGEST_ATTRIBUTES + 16  # characters

LASTING_TAG: Final = re.compile(rf"<(speed|volume|emotion){_ATTRIBUTES}>|<(/?)spell>")  # in force
_SILENT_TAG: Final = re.compile(rf"{_HEAD}>|</?spell>")


def has_words(text: str) -> bool:
    """Return whether there is something in *text* that can be heard, besides markup."""
    return any(map(str.isalnum, _SILENT_TAG.sub("", text)))

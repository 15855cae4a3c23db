"""What is spoken of a text, with the breaks between its parts."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import attrs

from trio_cartesia._protocol.text.source_map import SourceMap

__all__ = ["Break", "SpokenText"]

_CLOSERS: Final = "\"')]}\u2019\u201d\u00bb\u300d\u300f\uff09"
_STOPS: Final = (
    ".!?:;,\u2026\u2014\u2013-\u060c\u061b\u061f\u0964\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
)
_JOINS_LEFT: Final = ".,!?;:)"


class Break(IntEnum):
    """What separates two parts that are spoken; of several in a row the greatest counts."""

    NONE = 0
    BLANK = 1
    CELL = 2  # of a table
    LINE = 3
    BLOCK = 4  # a heading, an entry of a list, a row: a reader pauses before it, and behind
    PARAGRAPH = 5


@attrs.define(eq=False)
class SpokenText:
    """Collects what is spoken, and where it comes from.

    A break is written when something follows it. A reader pauses between blocks, so a full stop is
    added to those that end without a mark.
    """

    source_map: SourceMap = attrs.field(factory=SourceMap, init=False)
    _parts: list[str] = attrs.field(factory=list, init=False, repr=False)
    _break: Break = attrs.field(default=Break.NONE, init=False)
    _has_omission: bool = attrs.field(default=False, init=False)  # of a symbol, since the last part
    _is_stopped: bool = attrs.field(default=True, init=False)  # the last part ends with a mark
    _last: str = attrs.field(default="", init=False, repr=False)  # its last character
    _end: int = attrs.field(default=0, init=False)  # of the last part, in the source

    def take(self) -> str:
        """Return what was collected since the last call."""
        text = "".join(self._parts)
        self._parts.clear()
        return text

    def separate(self, kind: Break) -> None:
        """Put a break behind the last part."""
        self._break = max(self._break, kind)

    def omit(self) -> None:
        """Note that a symbol is left out, between blanks maybe."""
        self._has_omission = True

    def speak(self, text: str, start: int, end: int) -> None:
        """Append *text*, which stands for the source from *start* to *end*."""
        if self._break and self._last and (mark := self._mark(text)):
            self._parts.append(mark)
            self.source_map.add(len(mark), self._end, start)
        self._parts.append(text)
        self.source_map.add(len(text), start, end)
        self._break, self._has_omission = Break.NONE, False
        self._last, self._end = text[-1], end
        if core := text.rstrip(_CLOSERS):
            self._is_stopped = core[-1] in _STOPS

    def note_stop(self) -> None:
        """Take the last part for one that ends with a mark."""
        self._is_stopped = True

    def _mark(self, following: str) -> str:
        """Return what is written for the break."""
        if self._break is Break.BLANK:
            return "" if self._has_omission and following[0] in _JOINS_LEFT else " "
        if self._break is Break.CELL:
            return " " if self._is_stopped else ", "
        if self._break is Break.LINE:
            return "\n"
        stop = "" if self._is_stopped else "\u3002" if "\u3040" <= self._last <= "\u9fff" else "."
        return stop + ("\n" if self._break is Break.BLOCK else "\n\n")

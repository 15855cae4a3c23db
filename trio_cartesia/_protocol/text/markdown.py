"""Reads Markdown as it arrives, and collects what a person would read aloud.

Parsers of Markdown take whole documents, since a link may be defined at the end, and know the lines
of what they find, but not the offsets of its characters. Reading aloud needs less: marks are left
out without looking for their partners, so that little text ahead decides what is spoken.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import attrs

from trio_cartesia._protocol.text import markdown_syntax as syntax
from trio_cartesia._protocol.text.markdown_line import LineReader
from trio_cartesia._protocol.text.spoken_text import Break, SpokenText
from trio_cartesia._protocol.text.text_window import TextWindow

__all__ = ["MarkdownReader"]


class _Line(Enum):
    PLAIN = "goes on with the line before"
    ENTRY = "starts an entry of a list"
    SINGLE = "is a heading or a row of a table, and ends with the line"


@attrs.define(eq=False)
class MarkdownReader:
    """Turns Markdown, in pieces that end anywhere, into text to be spoken.

    Attributes:
        code_blocks: What is spoken instead of each fenced block of code; may be empty.
        spoken: What was spoken of it.
    """

    code_blocks: str = ""
    spoken: SpokenText = attrs.field(factory=SpokenText, init=False)
    _window: TextWindow = attrs.field(factory=TextWindow, init=False)
    _line: LineReader = attrs.field(init=False)
    _read_next: Callable[[], bool] = attrs.field(init=False)  # False: it needs more text
    _kind: _Line = attrs.field(default=_Line.PLAIN, init=False)
    _has_begun: bool = attrs.field(default=False, init=False)  # the line
    _fence: str = attrs.field(default="", init=False)  # that opened the block of code

    def __attrs_post_init__(self) -> None:
        self._line = LineReader(self._window, self.spoken)
        self._read_next = self._read_start

    def add(self, piece: str) -> str:
        """Return what can be spoken now that *piece* has come."""
        self._window.add(piece)
        return self._read()

    def finish(self) -> str:
        """Return what is spoken at the end of the text."""
        self._window.is_whole = True
        return self._read()

    def _read(self) -> str:
        while self._window.character and self._read_next():
            pass
        self.spoken.source_map.source_characters = self._window.offset
        return self.spoken.take()

    def _read_start(self) -> bool:
        """Read the marks that start a line."""
        window = self._window
        if window.character in " \t\r>":  # indented or quoted
            window.skip(1)
            return True
        if window.character == "\n":
            window.skip(1)
            self._end_paragraph()
            return True
        if window.waits_for(syntax.BLOCK_BEGINS):
            return False
        block = window.match(syntax.BLOCK)
        if block is None:
            self._begin(_Line.PLAIN)
        else:
            self._read_block(str(block.lastgroup), block.group())
        return True

    def _read_block(self, kind: str, marks: str) -> None:
        if kind == "fence":
            self._open_fence(marks)
            return
        self._window.skip(len(marks))
        if kind == "rule":
            self._end_paragraph()
        elif kind in ("definition", "delimiter"):  # of a reference, of the header of a table
            self._read_next = self._skip_line
        elif kind == "bullet":
            self._begin(_Line.ENTRY)
            self._read_next = self._read_start  # an entry may be a heading, and so on
        elif kind == "number":
            self._begin(_Line.ENTRY)
        else:
            self._begin(_Line.SINGLE)
            self._line.is_row = kind == "row"

    def _begin(self, kind: _Line) -> None:
        """Begin to read the text of a line."""
        self._read_next = self._read_line
        if self._has_begun:
            return
        is_block = kind is not _Line.PLAIN or self._kind is _Line.SINGLE
        self.spoken.separate(Break.BLOCK if is_block else Break.LINE)
        self._kind, self._has_begun = kind, True

    def _read_line(self) -> bool:
        if self._window.character == "\n" and not self._line.is_in_comment:
            self._window.skip(1)
            self._line.end_line()
            self._start_line()
            return True
        return self._line.read()

    def _start_line(self) -> None:
        self._has_begun = False
        self._read_next = self._read_fenced if self._fence else self._read_start

    def _end_paragraph(self) -> None:
        self.spoken.separate(Break.PARAGRAPH)
        self._kind = _Line.PLAIN
        self._line.end_paragraph()

    def _open_fence(self, marks: str) -> None:
        self._end_paragraph()
        self._fence = marks
        self._read_next = self._skip_line
        if self.code_blocks:
            start = self._window.offset
            self.spoken.speak(self.code_blocks, start, start + len(marks))
            self.spoken.separate(Break.PARAGRAPH)

    def _read_fenced(self) -> bool:
        """Look for the end of a block of code at the start of a line."""
        if self._window.waits_for(syntax.FENCE_CLOSES_BEGINS):
            return False
        closing = self._window.match(syntax.FENCE_CLOSES)
        if closing is not None and closing[1].startswith(self._fence):
            self._fence = ""
        self._read_next = self._skip_line
        return True

    def _skip_line(self) -> bool:
        line = self._window.match_all(syntax.REST_OF_LINE)
        self._window.skip(len(line))
        if line.endswith("\n"):
            self._start_line()
        return True

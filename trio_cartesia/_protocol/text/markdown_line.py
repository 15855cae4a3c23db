"""Reads the text of a line of Markdown: emphasis, code, links, addresses, symbols."""

from __future__ import annotations

import html
import string
from collections.abc import Callable
from typing import Final

import attrs

from trio_cartesia._protocol.text import markdown_syntax as syntax
from trio_cartesia._protocol.text.markup import MARKUP, UNFINISHED_MARKUP
from trio_cartesia._protocol.text.spoken_text import Break, SpokenText
from trio_cartesia._protocol.text.text_window import TextWindow

__all__ = ["LineReader"]

DEEPEST_BRACKETS: Final = 4  # of a link with images and brackets in its text


@attrs.define(eq=False)
class LineReader:
    """Reads on from the place of a window, one part of the text at a time, up to a line feed.

    Attributes:
        is_row: True in a row of a table.
    """

    _window: TextWindow
    _spoken: SpokenText
    is_row: bool = attrs.field(default=False, init=False)
    _read_next: Callable[[], bool] = attrs.field(init=False)
    _readers: dict[str, Callable[[], bool]] = attrs.field(init=False, repr=False)
    _code: str = attrs.field(default="", init=False)  # the marks that opened it
    _brackets: list[bool] = attrs.field(factory=list, init=False)  # open ones: of a link or not
    _parentheses: int = attrs.field(default=0, init=False)  # open ones in an address
    _is_autolink: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._read_next = self._read_text
        self._readers = {
            **dict.fromkeys(" \t\r", self._read_blanks),
            **dict.fromkeys("*_~`", self._read_marks),
            "\\": self._read_escape,
            "!": self._read_exclamation,
            "[": self._read_opening,
            "]": self._read_closing,
            "<": self._read_less,
            ">": self._read_greater,
            "&": self._read_ampersand,
            "|": self._read_bar,
        }

    @property
    def is_in_comment(self) -> bool:
        """True in a comment of HTML, which may have more lines."""
        return self._read_next == self._skip_comment

    def read(self) -> bool:
        """Read one part; return False if that needs more text."""
        return self._read_next()

    def end_line(self) -> None:
        """Forget what does not go on in the next line."""
        self.is_row = self._is_autolink = False
        self._read_next = self._read_text

    def end_paragraph(self) -> None:
        """Forget what does not go on in the next paragraph."""
        self._code = ""
        self._brackets.clear()

    def _read_text(self) -> bool:
        character = self._window.character
        if self._code and character != "`":
            return self._speak(len(self._window.match_all(syntax.CODE)))
        if reader := self._readers.get(character):
            return reader()
        if plain := self._window.match_all(syntax.PLAIN):
            return self._read_plain(plain)
        if character in "hw":
            return self._read_url()
        return self._read_symbol()

    def _speak(self, count: int) -> bool:
        """Speak the next characters as they are."""
        window, start = self._window, self._window.offset
        self._spoken.speak(window.next(count), start, start + count)
        window.skip(count)
        return True

    def _omit(self, count: int) -> bool:
        """Leave the next characters out."""
        self._window.skip(count)
        return True

    def _is_at_end(self, count: int) -> bool:
        """Return whether the next *count* characters are all that has come so far."""
        return not self._window.is_whole and not self._window.after(count)

    def _read_plain(self, plain: str) -> bool:
        if self._is_at_end(len(plain)):
            address = syntax.URL_SCHEME_BEGINS.search(plain, max(0, len(plain) - 8))
            if address is not None:
                plain = plain[: address.start()].rstrip(" ")
        return bool(plain) and self._speak(len(plain))

    def _read_blanks(self) -> bool:
        self._spoken.separate(Break.BLANK)
        return self._omit(len(self._window.match_all(syntax.BLANKS)))

    def _read_marks(self) -> bool:
        """Read a run of marks of emphasis or code."""
        window = self._window
        run = window.next_match(syntax.RUN)
        if self._is_at_end(len(run)):
            return False
        if run[0] == "`" and self._code in ("", run):
            self._code = "" if self._code else run
        if run[0] == "`" or _is_emphasis(run, window.before, window.after(len(run))):
            return self._omit(len(run))
        return self._speak(len(run))

    def _read_escape(self) -> bool:
        if self._is_at_end(1):
            return False
        escaped = self._window.after(1)
        if escaped == "\n":
            return self._omit(1)
        if escaped and escaped in string.punctuation:
            self._omit(1)
        return self._speak(1)

    def _read_exclamation(self) -> bool:
        """Read the mark of an image, or else one that is spoken."""
        if self._window.before.isspace() or self._window.before == "[":
            if self._is_at_end(1):
                return False
            is_image = self._finds_link(1) if self._window.after(1) == "[" else False
            if is_image is not False:
                return bool(is_image) and self._omit(1)
        return self._speak(1)

    def _read_opening(self) -> bool:
        if laughter := self._window.next_match(MARKUP):
            return self._speak(len(laughter))
        if footnote := self._window.next_match(syntax.FOOTNOTE):
            self._spoken.omit()
            return self._omit(len(footnote))
        is_link = self._finds_link(0)
        if is_link is None:
            return False
        if is_link or self._brackets:
            self._brackets.append(is_link)
        return self._omit(1) if is_link else self._speak(1)

    def _finds_link(self, start: int) -> bool | None:
        """Return whether a link starts at the opening bracket; None if that is not known yet."""
        window, depth, index = self._window, 0, start
        while index < start + syntax.LINK_CHARACTERS:
            character, following = window.after(index), window.after(index + 1)
            if not (following or window.is_whole):
                return None
            depth += {"[": 1, "]": -1}.get(character, 0)
            if not depth:
                return bool(following) and following in "(["
            if depth > DEEPEST_BRACKETS or character + following in ("\n\n", ""):
                break
            index += 2 if character == "\\" else 1
        return False

    def _read_closing(self) -> bool:
        if not (self._brackets and self._brackets.pop()):
            return self._speak(1)
        self._omit(1)
        if self._window.character == "(":
            self._parentheses, self._read_next = 0, self._skip_destination
        elif self._window.character == "[":
            self._read_next = self._skip_reference
        return True

    def _skip_destination(self) -> bool:
        """Leave out the address of a link, with its parentheses."""
        character = self._window.character
        self._parentheses += {"(": 1, ")": -1}.get(character, 0)
        if not self._parentheses:
            self._read_next = self._read_text
        return self._omit(1)

    def _skip_reference(self) -> bool:
        if self._window.character == "]":
            self._read_next = self._read_text
        return self._omit(1)

    def _read_less(self) -> bool:
        """Read a tag of Cartesia, which is kept, or one of HTML, a comment, or an address."""
        window = self._window
        if markup := window.next_match(MARKUP):
            self._speak(len(markup))
            if not markup.startswith(("<spell>", "<<")):
                self._spoken.note_stop()
            return True
        if window.waits_for(UNFINISHED_MARKUP) or window.waits_for(syntax.LESS_BEGINS):
            return False
        if tag := window.match(syntax.HTML):
            if tag["line"]:
                self._spoken.separate(Break.LINE)
            return self._omit(len(tag.group()))
        if window.match(syntax.COMMENT):
            self._read_next = self._skip_comment
            return self._omit(len("<!--"))
        if window.match(syntax.AUTOLINK):
            self._is_autolink = True
            return self._omit(1)
        return self._speak(1)

    def _read_greater(self) -> bool:
        if self._is_autolink:
            self._is_autolink = False
            return self._omit(1)
        return self._speak(1)

    def _skip_comment(self) -> bool:
        if comment := self._window.match_all(syntax.COMMENT_CLOSES):
            self._read_next = self._read_text
            return self._omit(len(comment))
        if rest := self._window.match_all(syntax.COMMENT_GOES_ON):
            return self._omit(len(rest))
        return self._window.is_whole and self._omit(1)

    def _read_ampersand(self) -> bool:
        window = self._window
        entity = window.next_match(syntax.ENTITY)
        if not entity:
            return not window.waits_for(syntax.ENTITY_BEGINS) and self._speak(1)
        character = html.unescape(entity)
        if character.isspace():
            self._spoken.separate(Break.BLANK)
        else:
            self._spoken.speak(character, window.offset, window.offset + len(entity))
        return self._omit(len(entity))

    def _read_bar(self) -> bool:
        if not self.is_row:
            return self._speak(1)
        self._spoken.separate(Break.CELL)
        return self._omit(1)

    def _read_url(self) -> bool:
        """Read the name of the host in an address."""
        window = self._window
        if window.waits_for(syntax.URL_BEGINS):
            return False
        address = window.match(syntax.URL)
        if address is None:
            return self._speak(1)
        self._omit(len(address["scheme"]))
        self._parentheses, self._read_next = 0, self._skip_path
        return self._speak(len(address["host"]))

    def _skip_path(self) -> bool:
        """Leave out the rest of an address, but not the marks of the sentence behind it."""
        window, character = self._window, self._window.character
        if path := window.next_match(syntax.URL_PATH):
            return self._omit(len(path))
        if character == "(" or (character == ")" and self._parentheses):
            self._parentheses += 1 if character == "(" else -1
            return self._omit(1)
        marks = window.next_match(syntax.URL_MARKS)
        if marks and self._is_at_end(len(marks)):
            return False
        if marks and syntax.URL_GOES_ON.match(window.after(len(marks))):
            return self._omit(len(marks))
        self._read_next = self._read_text
        return True

    def _read_symbol(self) -> bool:
        """Leave out an emoji, with what joins it to others."""
        if emoji := self._window.next_match(syntax.EMOJI):
            self._spoken.omit()
            return self._omit(len(emoji))
        return not self._window.waits_for(syntax.SYMBOL_BEGINS) and self._speak(1)


def _is_emphasis(run: str, before: str, after: str) -> bool:
    """Tell marks of emphasis from those that are text, as in ``2 * 3`` and ``snake_case``."""
    is_alone = before.isspace() and not after.strip()
    if run[0] == "*":
        return not is_alone and not (before.isdigit() and after.isdigit())
    if run[0] == "_":
        return len(run) > 2 or not (is_alone or (before.isalnum() and after.isalnum()))
    return len(run) == 2 and not is_alone

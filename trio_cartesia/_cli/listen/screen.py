"""The text on standard output: live on a terminal, else a line for each piece that is final."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Any, Final

import attrs
import trio

from trio_cartesia._cli.console import is_quiet
from trio_cartesia._cli.say.standard_output import NAME
from trio_cartesia._cli.say.wav import write_all

__all__ = ["JSONLines", "Lines", "Terminal", "one_line", "open_output", "tail"]

ERASE: Final = "\r\x1b[K"  # the line that the cursor is in
DIM: Final = "\x1b[2m"
PLAIN: Final = "\x1b[0m"
CUT: Final = "..."  # in place of the beginning of a text that is too wide


@attrs.define(eq=False)
class Lines:
    """Writes a line for each final text; nothing if there is no standard output.

    A thread writes, since a pipe or a terminal may take nothing for long.
    """

    _file: FileIO | None
    _encoding: str

    async def show(self, text: str) -> None:
        """Show all text since the last final one, which may still change."""

    async def add(self, text: str, **_: Any) -> None:
        """Write text that is final, which may be empty, in place of what was shown.

        Raises:
            BrokenPipeError: The reader has gone.
            OSError: The write failed.
        """
        if line := one_line(text):
            await self._write(f"{line}\n")

    async def _write(self, text: str) -> None:
        if self._file is not None:
            data = text.encode(self._encoding, "replace")
            try:
                await trio.to_thread.run_sync(write_all, self._file, data, abandon_on_cancel=True)
            except OSError as error:
                error.filename = NAME
                raise


@attrs.define(eq=False)
class JSONLines(Lines):
    """Writes all texts as objects of JSON, one a line, with what is known of them."""

    async def show(self, text: str) -> None:
        """Write text that may still change."""
        await self._write_object({"type": "interim", "text": text})

    async def add(self, text: str, **details: Any) -> None:
        """Write text that is final, which may be empty."""
        await self._write_object({"type": "final", "text": text, **details})

    async def _write_object(self, value: dict[str, Any]) -> None:
        await self._write(json.dumps(value, ensure_ascii=False) + "\n")


@attrs.define(eq=False)
class Terminal(Lines):
    """Shows text that may still change in the last line, which is drawn anew each time."""

    _has_color: bool
    _is_drawn: bool = attrs.field(default=False, init=False)

    async def show(self, text: str) -> None:
        """Draw the end of the text, as much of it as one line has room for."""
        from rich.console import Console

        shown = tail(one_line(text), Console().width - 1)  # of now: windows change their size
        self._is_drawn = bool(shown)
        await self._write(f"{ERASE}{DIM}{shown}{PLAIN}" if self._has_color else f"{ERASE}{shown}")

    async def add(self, text: str, **_: Any) -> None:
        """Write text that is final in place of what was drawn."""
        line = one_line(text)
        if self._is_drawn or line:
            self._is_drawn = False
            await self._write(ERASE + (f"{line}\n" if line else ""))


@contextmanager
def open_output(*, as_json: bool) -> Iterator[Lines]:
    """Open standard output for the block; at its end, no text is left that may still change."""
    if sys.stdout is None:  # closed by the shell
        yield Lines(None, "utf-8")
        return
    sys.stdout.flush()
    with FileIO(sys.stdout.fileno(), "wb", closefd=False) as file:
        if as_json:
            yield JSONLines(file, "utf-8")
        elif not sys.stdout.isatty() or is_quiet.get() or (style := _style()) is None:
            yield Lines(file, sys.stdout.encoding)
        else:
            terminal = Terminal(file, sys.stdout.encoding, has_color=style)
            try:
                yield terminal
            finally:
                if terminal._is_drawn:
                    write_all(file, ERASE.encode())


def _style() -> bool | None:
    """Return whether the terminal has styles, or None if no line can be drawn anew."""
    from rich.console import Console

    console = Console()
    if console.is_dumb_terminal or console.legacy_windows:
        return None
    return not console.no_color


def one_line(text: str) -> str:
    """Return text without line breaks and other characters that control a terminal."""
    text = text.encode("utf-8", "replace").decode()  # surrogates cannot be written
    shown = (" " if unicodedata.category(each) == "Cc" else each for each in text)
    return " ".join("".join(shown).split())


def tail(text: str, width: int) -> str:
    """Return text, without its beginning if it takes more than *width* cells of a terminal."""
    from rich.cells import cell_len

    if sum(map(cell_len, text)) <= width:
        return text
    left, start = width - len(CUT), len(text)
    while start and (left := left - cell_len(text[start - 1])) >= 0:
        start -= 1
    while start < len(text) and cell_len(text[start]) == 0:  # it belongs to the one before
        start += 1
    return f"{CUT}{text[start:]}" if width >= len(CUT) else ""

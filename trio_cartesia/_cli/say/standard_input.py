"""Text from standard input, in pieces of a line each."""

from __future__ import annotations

import codecs
import os
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Final

import attrs
import trio

from trio_cartesia._cli.console import UsageError

__all__ = ["PIECE_CHARACTERS", "Lines", "StandardInput"]

PIECE_CHARACTERS: Final = 4000  # about the longest input of the service (protocol §7.1 T24)
READ_BYTES: Final = 64 * 1024
BREAKS: Final = (". ", "! ", "? ", "; ", ", ", " ")  # where an overlong line is cut, best first


@attrs.define(eq=False)
class Lines:
    """Decodes bytes and cuts the text into lines.

    Each line keeps its end, so that joined lines stay apart. Blank lines are dropped. Bytes that
    are not UTF-8 become U+FFFD.
    """

    _decoder: codecs.IncrementalDecoder = attrs.field(
        factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace"), init=False
    )
    _rest: str = attrs.field(default="", init=False, repr=False)

    def take(self, data: bytes) -> list[str]:
        """Add *data*, and return the pieces that it completes; empty data ends the input."""
        lines = (self._rest + self._decoder.decode(data, final=not data)).split("\n")
        self._rest = lines.pop()
        pieces = [piece for line in lines for piece in _cut(line + "\n")]
        *early, self._rest = _cut(self._rest)
        pieces += early
        if not data:
            pieces.append(self._rest)
        return [piece for piece in pieces if piece.strip()]


def _cut(line: str) -> Iterator[str]:
    """Yield *line* in pieces of at most `PIECE_CHARACTERS`, cut after a sentence or word."""
    while len(line) > PIECE_CHARACTERS:
        ends = (line.rfind(mark, 0, PIECE_CHARACTERS) + len(mark) for mark in BREAKS)
        found = (end for mark, end in zip(BREAKS, ends, strict=True) if end >= len(mark))
        end = next(found, PIECE_CHARACTERS)
        yield line[:end]
        line = line[end:]
    yield line


@attrs.define(eq=False)
class StandardInput(AsyncIterator[str]):
    """An asynchronous iterator of pieces, each as soon as its line is complete.

    A thread reads, and is abandoned if the iteration is cancelled. That works for terminals, pipes
    and files on every system, while Trio's own stream would make the descriptor non-blocking for
    all programs that share it. The thread calls `os.read`, because a read of `sys.stdin` would hold
    a lock that the interpreter needs at exit.
    """

    _descriptor: int = 0
    _lines: Lines = attrs.field(factory=Lines, init=False)
    _pieces: deque[str] = attrs.field(factory=deque, init=False, repr=False)
    _is_over: bool = attrs.field(default=False, init=False)

    async def __anext__(self) -> str:
        while not self._pieces:
            if self._is_over:
                raise StopAsyncIteration
            try:
                data = await trio.to_thread.run_sync(
                    os.read, self._descriptor, READ_BYTES, abandon_on_cancel=True
                )
            except OSError as error:
                raise UsageError(f"standard input cannot be read: {error.strerror}") from error
            self._is_over = not data
            self._pieces.extend(self._lines.take(data))
        return self._pieces.popleft()

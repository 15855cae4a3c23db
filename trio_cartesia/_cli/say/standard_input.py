"""
Text that arrives on standard input, in pieces that can be spoken as they come.
"""

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

PIECE_CHARACTERS: Final = 4000  # about what a service takes at a time (protocol §7.1 T24)
READ_BYTES: Final = 64 * 1024
BREAKS: Final = (". ", "! ", "? ", "; ", ", ", " ")  # where an overlong line is cut, best first


@attrs.define(eq=False)
class Lines:
    """
    Cuts bytes into lines of text, whatever parts the bytes come in.

    Each line keeps its end, so that joined lines stay apart; blank lines are left out, since there
    is nothing in them to be spoken. What is not UTF-8 becomes U+FFFD.
    """

    _decoder: codecs.IncrementalDecoder = attrs.field(
        factory=lambda: codecs.getincrementaldecoder("utf-8-sig")("replace"), init=False
    )
    _rest: str = attrs.field(default="", init=False, repr=False)

    def take(self, data: bytes) -> list[str]:
        """Return the pieces that *data* completes; no data means that this was all."""
        lines = (self._rest + self._decoder.decode(data, final=not data)).split("\n")
        self._rest = lines.pop()
        pieces = [piece for line in lines for piece in _cut(line + "\n")]
        *early, self._rest = _cut(self._rest)
        pieces += early
        if not data:
            pieces.append(self._rest)
        return [piece for piece in pieces if piece.strip()]


def _cut(line: str) -> Iterator[str]:
    """Yield *line* in pieces of a bearable length, cut where it hurts least."""
    while len(line) > PIECE_CHARACTERS:
        ends = (line.rfind(mark, 0, PIECE_CHARACTERS) + len(mark) for mark in BREAKS)
        found = (end for mark, end in zip(BREAKS, ends, strict=True) if end >= len(mark))
        end = next(found, PIECE_CHARACTERS)
        yield line[:end]
        line = line[end:]
    yield line


@attrs.define(eq=False)
class StandardInput(AsyncIterator[str]):
    """
    An asynchronous iterator of pieces, each as soon as its line is complete.

    Reading is left to a thread, which is abandoned where nobody waits for it any more: that works
    for terminals, pipes and files on every system, while Trio's own stream would make the
    descriptor non-blocking for all programs that share it. The thread calls `os.read`: in
    `sys.stdin` it would hold a lock that the interpreter wants when it exits.
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

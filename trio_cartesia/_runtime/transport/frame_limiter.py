"""Limits that trio-websocket lacks: the fragments of a message, and the bytes processed at once.

It keeps every fragment of a message until the last one and limits only their characters, so a peer
could send empty fragments forever. It also processes all bytes that it gets without letting other
tasks run.
"""

from __future__ import annotations

from typing import Final

import attrs

__all__ = ["MAX_FRAGMENTS", "FrameLimiter"]

MAX_FRAGMENTS: Final = 65_536  # of one message: frames, and reads that a frame comes in
FRAMES_IN_A_ROW: Final = 128  # that trio-websocket gets before other tasks have their turn

_CONTROL: Final = 0x8  # opcodes from here on (RFC 6455 §5.2)
_EXTENDED: Final = {126: 4, 127: 10}  # bytes of a header, where it has more than two


@attrs.define(eq=False)
class FrameLimiter:
    """Hands bytes of whole and partial frames on, in batches.

    Attributes:
        has_overrun: True once a message has come in too many pieces.
    """

    has_overrun: bool = attrs.field(default=False, init=False)
    _data: bytes | bytearray = attrs.field(default=b"", init=False, repr=False)
    _start: int = attrs.field(default=0, init=False)
    _header: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _left: int = attrs.field(default=0, init=False)  # bytes of the frame that are still to come
    _is_control: bool = attrs.field(default=False, init=False)
    _fragments: int = attrs.field(default=0, init=False)

    @property
    def is_empty(self) -> bool:
        """True while there is nothing to be taken."""
        return self._start == len(self._data)

    def feed(self, data: bytes | bytearray) -> None:
        """Take what came in, once everything before it was taken out."""
        self._data, self._start = data, 0

    def take(self) -> bytes | bytearray:
        """Return the next batch."""
        data, begin, position = self._data, self._start, self._start
        frames = 0
        self._count_fragment(self._left)
        while position < len(data) and frames < FRAMES_IN_A_ROW:
            if self._left:
                size = min(self._left, len(data) - position)
                self._left -= size
            else:
                size = self._add_header(data, position)
                frames += not self._header
            position += size
        self._start = position
        if self.is_empty:
            self._data, self._start = b"", 0
        return data if position - begin == len(data) else data[begin:position]

    def _add_header(self, data: bytes | bytearray, position: int) -> int:
        """Take header bytes, of which there are none left once the header is whole."""
        header = self._header
        before = len(header)
        whole = 2 if before < 2 else _EXTENDED[header[1]]
        header += data[position : position + whole - before]
        size = len(header) - before
        if len(header) >= 2 and len(header) == _EXTENDED.get(header[1], 2):
            self._begin_frame()
            header.clear()
        return size

    def _begin_frame(self) -> None:
        first, length = self._header[:2]
        self._is_control = bool(first & _CONTROL)
        if not self._is_control and first & 0xF:
            self._fragments = 0  # not a continuation: a new message
        self._left = int.from_bytes(self._header[2:]) if length in _EXTENDED else length & 127
        self._count_fragment(1)

    def _count_fragment(self, size: int) -> None:
        if size and not self._is_control:
            self._fragments += 1
            self.has_overrun |= self._fragments > MAX_FRAGMENTS

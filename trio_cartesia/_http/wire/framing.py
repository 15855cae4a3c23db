"""Where the head of a response ends, and the chunks of its body (RFC 9112 §7.1).

The HTTP library takes several steps for each chunk, and audio comes in many small ones. So it is
given the heads of responses, the last chunk and everything unusual; the other chunks pass it by.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from trio_cartesia._errors import RemoteProtocolError

__all__ = ["ChunkedBody", "HeadSplitter"]

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")  # ends a head, as in h11

# the end of a chunk, and the size of the next one
_BOUNDARY: Final = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})\r\n")
_PART_OF_BOUNDARY: Final = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,15}\r?)?)?)?")


@attrs.define
class HeadSplitter:
    """Finds the end of each head, whatever the pieces in which it arrives."""

    _last: bytes = b""  # bytes of the head so far, which the blank line may begin with

    def split(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the part of *data* that belongs to the head, and the rest."""
        joined = self._last + data
        if (end := _BLANK_LINE.search(joined)) is None:
            self._last = joined[-2:]
            return data, b""
        size, self._last = end.end() - len(self._last), b""
        return data[:size], data[size:]


@attrs.define
class ChunkedBody:
    """Removes the framing of chunks.

    Attributes:
        rest: What the HTTP library is to parse, with all that follows: it begins with the size of
            a chunk. None as long as there was nothing unusual.
    """

    _missing: int = 0  # bytes of the present chunk
    _boundary: bytes = b"\r\n"  # as much of it as has arrived; the first chunk lacks its beginning
    rest: bytes | None = None

    def receive(self, data: bytes) -> bytes:
        """Return the part of the body in *data*; not to be called once `rest` is set.

        Raises:
            RemoteProtocolError: A chunk does not end where its size says.
        """
        if self._boundary:
            data, self._boundary = self._boundary + data, b""
        view, pieces, start = memoryview(data), [], 0
        while True:
            piece = view[start : start + self._missing]
            pieces.append(piece)
            start += len(piece)
            self._missing -= len(piece)
            if self._missing:
                break
            boundary = _BOUNDARY.match(data, start)
            self._missing = int(boundary[1], 16) if boundary else 0
            if boundary is None or not self._missing:
                self._leave(data[start:])
                break
            start = boundary.end()
        return b"".join(pieces)

    def _leave(self, data: bytes) -> None:
        """Keep a part of a boundary for the next call; leave anything else to the library."""
        if _PART_OF_BOUNDARY.fullmatch(data):
            self._boundary = data
        elif data.startswith(b"\r\n"):
            self.rest = data[2:]
        else:
            raise RemoteProtocolError(
                "the response is not valid HTTP: a chunk does not end where its size says"
            )

"""Repair the sizes in the header of a WAV file that was streamed (protocol §3.1).

A service that streams does not know the size when it writes the header, so it writes a placeholder.
"""

from __future__ import annotations

import struct
from typing import Final

from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, UNKNOWN_SIZE, WAV_TAGS

__all__ = ["LONGEST_HEADER", "repaired"]

LONGEST_HEADER: Final = 4096  # bytes of a file within which its data begin
LARGEST_FILE: Final = 2**32 - 1

_PLACEHOLDERS: Final = (0, UNKNOWN_SIZE)
_WIDTHS: Final = {tag: BYTES_PER_FRAME[encoding] for encoding, tag in WAV_TAGS.items()}


def repaired(head: bytes, size: int) -> tuple[bytes, bytes] | None:
    """Return the header of a WAV file with right sizes, and what is to be added to its end.

    Args:
        head: The first bytes of the file, up to `LONGEST_HEADER`.
        size: The size of the file.

    Returns:
        The header, up to the data, and a zero byte if the data have an odd size. None if the file
        is not WAV, has sizes already, or is too large for them.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    position, width, fact = 12, 1, None
    while (chunk := head[position : position + 8]) and len(chunk) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            break
        if name == b"fmt " and len(head) >= position + 10:
            width = _WIDTHS.get(int.from_bytes(head[position + 8 : position + 10], "little"), 1)
        if name == b"fact":
            fact = position + 8
        position += 8 + length + length % 2
    else:
        return None
    data = size - position - 8
    padding = bytes(data % 2)
    if length not in _PLACEHOLDERS or size + len(padding) - 8 > LARGEST_FILE:
        return None
    header = bytearray(head[: position + 8])
    struct.pack_into("<I", header, 4, size + len(padding) - 8)
    struct.pack_into("<I", header, position + 4, data)
    if fact is not None:
        struct.pack_into("<I", header, fact, data // width)
    return bytes(header), padding

"""Frames of whole messages, masked as a client has to (RFC 6455 §5.2, §5.3).

wsproto makes the same frames, and copies a message four times meanwhile: for a short one it takes
twice as long.
"""

from __future__ import annotations

import os
import struct
from typing import Final

__all__ = ["client_frame"]

_TEXT, _BINARY = 0x81, 0x82  # the last frame of its message
_SHORT, _MEDIUM, _LONG = 0x80, 0x80 | 126, 0x80 | 127  # lengths, with the bit of a mask
_MEDIUM_HEAD: Final = struct.Struct("!BBH").pack
_LONG_HEAD: Final = struct.Struct("!BBQ").pack
_BYTES, _ONES = int.from_bytes(range(256)), int.from_bytes(b"\1" * 256)
_MASKS: Final = tuple((_BYTES ^ key * _ONES).to_bytes(256) for key in range(256))  # by a key's byte


def client_frame(message: str | bytes) -> bytes:
    """Return the frame of a text message for a str, of a binary one for bytes."""
    if isinstance(message, str):
        first, payload = _TEXT, message.encode()
    else:
        first, payload = _BINARY, message
    size = len(payload)
    if size < 126:
        head = bytes((first, _SHORT | size))
    elif size < 2**16:
        head = _MEDIUM_HEAD(first, _MEDIUM, size)
    else:
        head = _LONG_HEAD(first, _LONG, size)
    key = os.urandom(4)
    masked = bytearray(payload)
    for number, byte in enumerate(key):
        masked[number::4] = masked[number::4].translate(_MASKS[byte])
    return head + key + masked

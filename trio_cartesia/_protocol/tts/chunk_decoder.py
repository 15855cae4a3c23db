"""Decode chunks in the read buffer, without copying them first.

Nearly all bytes of a connection are base64 in a field ``data``. This module decodes the field in
place, replaces it by a random mark, and parses the small rest as JSON. If the mark is not exactly
the value of ``data`` in a chunk, the message is left to the general parser.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from trio_cartesia._protocol.base.json import MAX_VALUES, decode_base64, loads_quickly
from trio_cartesia._protocol.tts.decoder import chunk_from
from trio_cartesia._protocol.tts.messages import Chunk

__all__ = ["read_chunk"]

_KEY: Final = b'"data":"'
_BEFORE: Final = frozenset(b",{ ")  # what stands before a key
_QUOTE: Final = ord('"')
_MARK: Final = "~" + os.urandom(12).hex()
_MARK_BYTES: Final = _MARK.encode()


def read_chunk(
    data: bytearray, view: memoryview, start: int, stop: int, segments: Mapping[str, int]
) -> Chunk | None:
    """Read a chunk, if the message at *start* to *stop* is one and written as usual.

    Args:
        data: Holds the message.
        view: The same bytes.
        start: Where it starts.
        stop: Where it ends.
        segments: The segment that each open context is in.

    Returns:
        The result of `read_event`, or None if only that can read the message.
    """
    key = data.find(_KEY, start, stop)
    if key <= start or data[key - 1] not in _BEFORE:
        return None
    begin = key + len(_KEY)
    end = data.find(_QUOTE, begin, stop)
    if end < 0 or stop - start - (end - begin) > MAX_VALUES:
        return None
    try:  # suppress() would take as long as the JSON
        # joined to bytes, which orjson reads as they are; it copies a bytearray first
        fields = loads_quickly(b"".join((view[start:begin], _MARK_BYTES, view[end:stop])))
        if type(fields) is dict and fields.get("type") == "chunk" and fields.get("data") == _MARK:
            return chunk_from(fields, decode_base64(view[begin:end]), segments)
    except (ValueError, RecursionError):
        pass
    return None

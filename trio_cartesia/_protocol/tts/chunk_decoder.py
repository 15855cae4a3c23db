"""Chunks, read from the frame where they lie.

Nearly all bytes of a connection are base64 in a field ``data``. It is cut out and decoded in
place, and a mark that no peer can know stands in for it while the small rest is read as JSON.
Where the mark does not come out exactly where a chunk's audio belongs, whatever the reason, the
frame is none of this module's business: the codec reads it in the general way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from trio_cartesia._protocol.base.json import decode_base64, loads_quickly
from trio_cartesia._protocol.tts.decoder import MAX_VALUES, chunk_from
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
        What `read_event` would return; None where only that can tell.
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

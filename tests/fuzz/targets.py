"""Functions of bytes that fail if something is wrong.

``python -m tests.fuzz`` searches for inputs under atheris; ``test_corpus.py`` replays those kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.runtime.transport.test_fast_path import STRAY, play
from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_body, error_from_fields
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.decoder import read_event, read_event_generally
from trio_cartesia._protocol.tts.messages import Chunk, ErrorEvent, Received
from trio_cartesia.testing import on_virtual_time

SEGMENTS: Final = {"a": 1}


def outcome(
    read: Callable[[bytes, Mapping[str, int]], Received], data: bytes
) -> tuple[object, str | None]:
    """What comes of a message: an event, or what its error is about."""
    try:
        return read(data, SEGMENTS), None
    except RemoteProtocolError as error:
        return error.message, error.context_id


def check_codec(data: bytes) -> None:
    """Both ways of the codec, and the short cut for chunks, agree; no error is foreign."""
    event, _ = both = outcome(read_event, data)
    assert both == outcome(read_event_generally, data)
    padded = bytearray(b"<<" + data + b">>")
    chunk = read_chunk(padded, memoryview(padded), 2, 2 + len(data), SEGMENTS)
    assert chunk is None or chunk == event
    assert chunk is None or type(chunk) is Chunk
    repr(event)
    if isinstance(event, ErrorEvent):
        str(error_from_fields(event.fields)).encode()
    str(error_from_body(500, data)).encode()


def check_fast_path(data: bytes) -> None:
    """A peer's bytes have the same effect with the fast path and without."""
    if len(data) < 3:
        return
    sizes, switches, rest = [1 + data[0], 1 + data[1] % 16], data[2], data[3:]
    early = [0, 0, 1, len(STRAY)][switches % 4]
    outcomes = []
    for lane in (True, False):

        async def run(lane: bool = lane) -> None:  # bound here
            breaks = bool(switches & 4)
            heard, _ = await play(STRAY + rest, sizes, early=early, breaks=breaks, lane=lane)
            outcomes.append(heard)  # what is counted after the contexts' end is chance

        on_virtual_time(run)()
    assert outcomes[0] == outcomes[1]


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "codec": check_codec,
    "fast_path": check_fast_path,
}

"""Functions that check one property of an input, and raise if it does not hold.

``python -m tests.fuzz`` searches for inputs under atheris; ``test_corpus.py`` replays those kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tests.runtime.transport.test_fast_path import STRAY, play
from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_body, error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.decoder import read_event, read_event_generally
from trio_cartesia._protocol.tts.messages import Chunk, Received
from trio_cartesia.testing import on_virtual_time

SEGMENTS: Final = {"a": 1}


def outcome(
    read: Callable[[bytes, Mapping[str, int]], Received], data: bytes
) -> tuple[object, str | None]:
    """Return the event of a message, or the message and the context id of its error."""
    try:
        return read(data, SEGMENTS), None
    except RemoteProtocolError as error:
        return error.message, error.context_id


def check_codec(data: bytes) -> None:
    """Check that all ways to read a message agree, and raise only the package's own errors."""
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
    """Check that a peer's bytes have the same effect with the fast path and without it."""
    if len(data) < 3:
        return
    sizes, switches, rest = [1 + data[0], 1 + data[1] % 16], data[2], data[3:]
    early = [0, 0, 1, len(STRAY)][switches % 4]
    outcomes = []
    for fast_path in (True, False):

        async def run(fast_path: bool = fast_path) -> None:  # bound here
            breaks = bool(switches & 4)
            events, _ = await play(
                STRAY + rest, sizes, early=early, breaks=breaks, fast_path=fast_path
            )
            outcomes.append(events)  # counters after the contexts' end depend on timing

        on_virtual_time(run)()
    assert outcomes[0] == outcomes[1]


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "codec": check_codec,
    "fast_path": check_fast_path,
}

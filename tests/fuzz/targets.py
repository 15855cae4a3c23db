"""
What is fuzzed: functions of bytes that fail if something is wrong.

``fuzz_codec.py`` and ``fuzz_lane.py`` search for inputs under atheris; ``test_corpus.py`` replays
those that were kept.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.runtime.transport.test_fast_path import STRAY, frame, play
from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_body, error_from_fields
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.decoder import read_event, read_event_generally
from trio_cartesia._protocol.tts.messages import Chunk, ErrorEvent, Received
from trio_cartesia.testing import on_virtual_time

CORPUS: Final = Path(__file__).with_name("corpus")
DICTIONARY: Final = CORPUS.with_name("json.dict")
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


def check_lane(data: bytes) -> None:
    """What a peer's bytes do is the same with the fast lane and without."""
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


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {"codec": check_codec, "lane": check_lane}

MESSAGES: Final = (
    (
        b'{"type":"chunk","context_id":"a","data":"AAECAw==","done":false,"status_code":206,'
        b'"step_time":1.5,"flush_id":1}'
    ),
    (
        b'{"type":"timestamps","context_id":"a","word_timestamps":{"words":["Hi"],"start":[0],'
        b'"end":[0.5]}}'
    ),
    (
        b'{"type":"phoneme_timestamps","context_id":"b","phoneme_timestamps":{"phonemes":["h"],'
        b'"start":[0],"end":[1]}}'
    ),
    b'{"type":"flush_done","context_id":"a","flush_done":true,"flush_id":0}',
    b'{"type":"done","context_id":"a","done":true}',
    (
        b'{"type":"error","context_id":"a","status_code":402,"error_code":"quota_exceeded",'
        b'"title":"No","message":"Pay.","request_id":"r"}'
    ),
    b'{"type":"error","error":"No: not now"}',
    b'{"type":"new","x":[[]]}',
)


def seeds(name: str) -> list[bytes]:
    """Inputs to begin with."""
    if name == "codec":
        return list(MESSAGES)
    one, two, *others = MESSAGES
    cut = frame(one[:20], 0x01) + frame(b"?", 0x89) + frame(one[20:], 0x80)
    close = frame(struct.pack("!H", 1000) + b"bye", 0x88)
    streams = [
        frame(one) + frame(two) + close,
        cut + frame(one),
        frame(one, widen=2) + frame(one, widen=8),
        frame(one, masked=True),
        frame(one, 0x82) + frame(b"", 0x8A) + close,
        b"".join(map(frame, others)),
    ]
    return [bytes([9, 3, switches]) + stream for switches, stream in enumerate(streams)]


def fuzz(name: str) -> None:
    """Search for inputs that fail, and keep those that lead somewhere new."""
    import sys  # for the programs alone

    import atheris

    target, folder = TARGETS[name], CORPUS / name
    for number, seed in enumerate(seeds(name)):
        folder.joinpath(f"seed-{number}").write_bytes(seed)
    atheris.Setup([*sys.argv, "-max_len=600", f"-dict={DICTIONARY}", str(folder)], target)
    atheris.Fuzz()

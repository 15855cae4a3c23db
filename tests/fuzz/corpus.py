"""The inputs of the targets: usual messages, and those in ``corpus.json``, found by fuzzing."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Final

from tests.runtime.transport.test_fast_path import frame

FOUND: Final = Path(__file__).with_name("corpus.json")  # each byte is a character

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


def kept(name: str) -> list[bytes]:
    """Return the inputs for one target: usual messages, and those in ``corpus.json``."""
    found = json.loads(FOUND.read_text())[name]
    return seeds(name) + [text.encode("latin-1") for text in found]


def seeds(name: str) -> list[bytes]:
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

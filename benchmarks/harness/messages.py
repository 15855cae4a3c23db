"""The service's messages as WebSocket frames, made once and sent many times."""

from __future__ import annotations

import json
import struct
import time
from itertools import accumulate, pairwise
from typing import Any, Final

TOKEN: Final = "a" + "~" * 18 + " "  # the text that clients push; the load counts the tildes
STEP_TIME: Final = b"12.25"
SENT_AT: Final = b"\xff" * 18  # stands for the time at which a paced frame is sent
WORDS: Final = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "nobody",
    "listens",
]
TEXTS: Final = [*accumulate(WORDS, lambda text, word: f"{text} {word}")]


def frame(payload: bytes) -> bytes:
    """Wrap a text message in an unmasked frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 2**16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def time_digits() -> bytes:
    """Return the machine's monotonic clock, as long as `SENT_AT`."""
    digits = b"%018.8f" % time.perf_counter()
    return digits.lstrip(b"0").ljust(len(SENT_AT), b"0")  # JSON has no leading zeros


def _event(**fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def chunk(name: str, audio: str, step_time: bytes = STEP_TIME) -> bytes:
    """Return the frame of an event with base64 *audio* (protocol §2.3)."""
    payload = _event(
        type="chunk",
        context_id=name,
        status_code=206,
        done=False,
        step_time=float(STEP_TIME),
        flush_id=1,
        data=audio,
    )
    return frame(payload.replace(STEP_TIME, step_time))


def done(name: str) -> bytes:
    """Return the frame of a context's terminal event."""
    return frame(_event(type="done", context_id=name, status_code=206, done=True))


def utterance() -> list[bytes]:
    """Return the frames of twelve words: interim text after each third, then final text with times.

    Their duration is `SENT_AT` (protocol §4.3).
    """
    times = pairwise(round(0.3 * number, 1) for number in range(len(WORDS) + 1))
    words = [
        {"word": word, "start": start, "end": end}
        for word, (start, end) in zip(WORDS, times, strict=True)
    ]
    interim = [_transcript(text, is_final=False) for text in TEXTS[3::4]]
    return [*interim, _transcript(TEXTS[-1], is_final=True, words=words)]


def _transcript(text: str, **fields: Any) -> bytes:
    event = _event(
        type="transcript",
        request_id="8c1d2e3f",
        text=text,
        duration=float(STEP_TIME),
        language="en",
        **fields,
    )
    return frame(event.replace(STEP_TIME, SENT_AT))


def transcript_done() -> bytes:
    """Return the frame that ends a session of speech to text."""
    return frame(_event(type="done", request_id="8c1d2e3f"))

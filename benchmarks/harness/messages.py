"""The service's messages as WebSocket frames, made once and sent many times."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

TOKEN: Final = "a" + "~" * 18 + " "  # the text that clients push; the load counts the tildes
STEP_TIME: Final = b"12.25"


def frame(payload: bytes) -> bytes:
    """Wrap a text message in an unmasked frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 2**16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


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

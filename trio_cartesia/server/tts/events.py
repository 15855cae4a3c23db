"""The events of contexts, as JSON objects (protocol §2.3)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any, Final

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.encodings import encode
from trio_cartesia.server.journal.records import SpokenUnit
from trio_cartesia.server.voices.interface import Timed

Event = dict[str, Any]

PARTIAL: Final = 206
TIMES: Final = {"word": "timestamps", "phoneme": "phoneme_timestamps"}


def _event(kind: str, context_id: str, **fields: Any) -> Event:
    head = {"type": kind, "context_id": context_id, "status_code": PARTIAL, "done": False}
    return {**head, **fields}


def chunk(context_id: str, audio: bytes, *, flush_id: int, step_seconds: float) -> Event:
    """Return a ``chunk`` event; generating the audio took *step_seconds*."""
    data = base64.b64encode(audio).decode("ascii")
    step = 1000 * step_seconds
    return _event("chunk", context_id, step_time=step, flush_id=flush_id, data=data)


def times(context_id: str, unit: str, units: Sequence[SpokenUnit], *, flush_id: int) -> Event:
    """Return the event with the times of words or phonemes; *unit* is ``word`` or ``phoneme``."""
    columns = {
        f"{unit}s": [spoken.text for spoken in units],
        "start": [spoken.start for spoken in units],
        "end": [spoken.end for spoken in units],
    }
    fields = {"flush_id": flush_id, f"{unit}_timestamps": columns}
    return _event(TIMES[unit], context_id, **fields)


def flush_done(context_id: str, *, flush_id: int) -> Event:
    """Return a ``flush_done`` event, the end of a segment."""
    return _event("flush_done", context_id, flush_done=True, flush_id=flush_id)


def done(context_id: str, *, status: int) -> Event:
    """Return a ``done`` event, the end of a context."""
    return _event("done", context_id, status_code=status, done=True)


def cut(samples: bytes, output: SampleFormat, chunk_bytes: int) -> Iterator[bytes]:
    """Yield *samples* as chunks of whole frames, encoded one by one."""
    step = 2 * output.frames(chunk_bytes)
    view = memoryview(samples)
    for start in range(0, len(samples), step):
        yield encode(view[start : start + step], output.encoding)


def units_of(timed: Sequence[Timed], *, before: int, sample_rate: int) -> list[SpokenUnit]:
    """Return *timed* in seconds of the context's audio, *before* frames after its start."""
    return [
        SpokenUnit(
            unit.text, (before + unit.start) / sample_rate, (before + unit.end) / sample_rate
        )
        for unit in timed
    ]

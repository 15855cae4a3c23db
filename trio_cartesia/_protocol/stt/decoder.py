"""Parse the JSON messages of the STT WebSockets into events (protocol §4.3, §4.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from trio_cartesia._errors import RemoteProtocolError
from trio_cartesia._protocol.base import json
from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent
from trio_cartesia._protocol.stt.messages import (
    Connected,
    Received,
    Transcript,
    TranscriptDone,
    TranscriptFlushDone,
    TranscriptWord,
    TurnEagerEnd,
    TurnEnd,
    TurnResume,
    TurnStart,
    TurnUpdate,
)

__all__ = ["read_event"]

_PLAIN: Final = {
    kind.type: kind
    for kind in (TranscriptFlushDone, TranscriptDone, Connected, TurnStart, TurnResume)
}
_WITH_TEXT: Final = {kind.type: kind for kind in (TurnUpdate, TurnEagerEnd, TurnEnd)}


def read_event(text: str | bytes) -> Received:
    """Read one message of the service.

    Fields that are not known are ignored, and a ``type`` that is not known gives an
    `UnknownEvent`. A field that is optional is None where it has another type than it should.

    Raises:
        RemoteProtocolError: It is not a JSON object, has no type, or is a transcript without text.
            Nothing of it is quoted.
    """
    fields = json.read_object(text)
    kind, request_id = fields.get("type"), _text(fields.get("request_id"))
    if kind == "transcript":
        return _transcript(fields, request_id)
    if not isinstance(kind, str):
        raise RemoteProtocolError("an event has no type", request_id=request_id)
    if kind in _WITH_TEXT:
        return _WITH_TEXT[kind](transcript=_text(fields.get("transcript")), request_id=request_id)
    if kind in _PLAIN:
        return _PLAIN[kind](request_id=request_id)
    if kind == "error":
        return ErrorEvent(context_id=None, fields=fields)
    return UnknownEvent(context_id=None, wire_type=kind, fields=fields)


def _transcript(fields: Mapping[str, Any], request_id: str | None) -> Transcript:
    is_final, text = fields.get("is_final"), fields.get("text")
    if not isinstance(is_final, bool) or not isinstance(text, str):
        wrong = "is_final" if isinstance(text, str) else "text"
        raise RemoteProtocolError(
            f"malformed event: a transcript's {wrong} is missing or has the wrong type",
            request_id=request_id,
        )
    return Transcript(
        is_final=is_final,
        text=text,
        duration=_real(fields.get("duration")),
        language=_text(fields.get("language")),
        words=_words(fields.get("words")),
        request_id=request_id,
    )


def _words(value: object) -> tuple[TranscriptWord, ...] | None:
    if not isinstance(value, list):
        return None
    words = tuple(map(_word, value))
    return None if None in words else words  # type: ignore[return-value]  # none of them is None


def _word(value: object) -> TranscriptWord | None:
    if not isinstance(value, dict):
        return None
    word, start, end = _text(value.get("word")), _real(value.get("start")), _real(value.get("end"))
    if word is None or start is None or end is None:
        return None
    return TranscriptWord(word=word, start=start, end=end)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)

"""Parse JSON messages into events.

The general parser is a cattrs converter. Chunks, which are nearly all messages, are parsed by hand;
a property test checks that both give the same results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import attrs

from trio_cartesia._errors import RemoteProtocolError
from trio_cartesia._protocol.base import json
from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent
from trio_cartesia._protocol.tts import messages
from trio_cartesia._protocol.tts.messages import (
    Chunk,
    Done,
    FlushDone,
    PhonemeTimes,
    PhonemeTimestamps,
    Received,
    WordTimes,
    WordTimestamps,
    make_chunk,
)

if TYPE_CHECKING:  # loaded by the first connection, with `prepare`
    from cattrs import Converter

__all__ = [
    "chunk_from",
    "prepare",
    "read_event",
    "read_event_generally",
    "read_fields",
]


_NO_SEGMENTS: Final[Mapping[str, int]] = MappingProxyType({})

_TIMED: Final = {
    "timestamps": WordTimestamps,
    "phoneme_timestamps": PhonemeTimestamps,
}
_KINDS: Final[Mapping[str, type[Received]]] = {
    "chunk": Chunk,
    "flush_done": FlushDone,
    "done": Done,
    **_TIMED,
}


def prepare() -> None:
    """Load now what would else be loaded, in 10 ms or so, when the first event that is no chunk
    comes.
    """
    _converter()


def read_event(text: str | bytes, segments: Mapping[str, int] = _NO_SEGMENTS) -> Received:
    """Read one message of the service.

    Fields that are not known are ignored, and a ``type`` that is not known gives an
    `UnknownEvent`, since the service may add both (protocol §1.2).

    Args:
        text: One whole message.
        segments: The segment that each open context is in.

    Raises:
        RemoteProtocolError: It is not a JSON object, or lacks what its type must have. It carries
            the ``context_id``, if there was one. Nothing of the message is quoted.
    """
    return read_fields(json.read_object(text), segments)


def read_fields(fields: dict[str, Any], segments: Mapping[str, int] = _NO_SEGMENTS) -> Received:
    """Read the members of one message, as `read_event`."""
    if fields.get("type") == "chunk":
        return _read_chunk(fields, segments)
    return _structure(fields, segments)


def read_event_generally(text: str | bytes, segments: Mapping[str, int] = _NO_SEGMENTS) -> Received:
    """Read one message of the service as `read_event` does, without its short cut for chunks."""
    return _structure(json.read_object(text), segments)


def _read_chunk(fields: dict[str, Any], segments: Mapping[str, int]) -> Chunk:
    context_id = fields.get("context_id")
    data, audio = fields.get("data"), None
    if type(context_id) is str and type(data) is str:
        with suppress(ValueError):
            audio = json.decode_base64(data)
    chunk = None if audio is None else chunk_from(fields, audio, segments)
    return chunk or _structure(fields, segments)  # type: ignore[return-value]  # raises, with the path


def chunk_from(
    fields: Mapping[str, Any], audio: bytes, segments: Mapping[str, int]
) -> Chunk | None:
    """Return the chunk whose *audio* is decoded already; None if it names no context."""
    context_id = fields.get("context_id")
    if type(context_id) is not str:
        return None
    flush_id, step_time = fields.get("flush_id"), fields.get("step_time")
    status_code = fields.get("status_code")
    if type(step_time) is not float or step_time - step_time != 0:  # finite, as nearly always
        step_time = _real_or_none(step_time)
    return make_chunk(
        context_id,
        audio,
        segments.get(context_id, 0),
        flush_id if type(flush_id) is int else None,
        step_time,
        status_code if type(status_code) is int else None,
    )


def _structure(fields: dict[str, Any], segments: Mapping[str, int]) -> Received:
    kind, context_id = fields.get("type"), fields.get("context_id")
    known_id = context_id if isinstance(context_id, str) else None
    if not isinstance(kind, str):
        raise RemoteProtocolError("an event has no type", context_id=known_id)
    if kind == "error":
        return ErrorEvent(context_id=known_id or None, fields=fields)
    if kind not in _KINDS:
        return UnknownEvent(context_id=known_id, wire_type=kind, fields=fields)
    segment = segments.get(known_id, 0) if known_id is not None else 0
    ours = {"segment": segment, "base_seconds": 0.0}  # whatever the wire has under these names
    try:
        event: Received = _converter().structure({**fields, **ours}, _KINDS[kind])
    except ExceptionGroup as group:  # cattrs's
        from cattrs import transform_error

        found = "; ".join(transform_error(group, path=kind))
    else:
        found = ""
    if found:  # raised out here, since the group holds what was sent, which may be speech
        raise RemoteProtocolError(f"malformed event: {found}", context_id=known_id)
    if isinstance(event, (WordTimestamps, PhonemeTimestamps)):
        _check_times(event)
    return event


def _check_times(event: WordTimestamps | PhonemeTimestamps) -> None:
    times: WordTimes | PhonemeTimes
    if isinstance(event, WordTimestamps):
        times = event.word_timestamps
        names = times.words
    else:
        times = event.phoneme_timestamps
        names = times.phonemes
    if not len(names) == len(times.start) == len(times.end):
        raise RemoteProtocolError(
            f"{event.type} has {len(names)} texts, {len(times.start)} starts and "
            f"{len(times.end)} ends",
            context_id=event.context_id,
        )


def _real(value: object, _: object = None) -> float:
    if type(value) is not float and (type(value) is not int or abs(value) > 2**64):
        raise ValueError("not a number")
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)


def _whole_or_none(value: object, _: object = None) -> int | None:
    """Read a number that is only diagnostic; an invalid one is None."""
    return value if type(value) is int else None


def _real_or_none(value: object, _: object = None) -> float | None:
    with suppress(ValueError):
        return _real(value)
    return None


def _segment(value: int, _: object = None) -> int:
    return value  # ours: no field of the wire is a plain int


def _string(value: object, _: object = None) -> str:
    if type(value) is not str:
        raise ValueError("not a string")
    return value


def _audio(value: object, _: object = None) -> bytes:
    return json.decode_base64(_string(value))


def _tuple_of(read: Callable[[object], Any]) -> Callable[[object, object], tuple[Any, ...]]:
    def structure(value: object, _: object) -> tuple[Any, ...]:
        if type(value) is not list:
            raise ValueError("not an array")
        return tuple(map(read, value))

    return structure


@cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter()
    for kind, read in ((int, _segment), (float, _real), (str, _string), (bytes, _audio)):
        converter.register_structure_hook(kind, read)
    for optional, read_leniently in ((int | None, _whole_or_none), (float | None, _real_or_none)):
        converter.register_structure_hook(optional, read_leniently)
    converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _tuple_of(_string))
    converter.register_structure_hook_func(lambda kind: kind == tuple[float, ...], _tuple_of(_real))
    for message in (WordTimes, PhonemeTimes, *_KINDS.values()):
        attrs.resolve_types(message, vars(messages))  # which is not their __module__
    converter.register_structure_hook(
        Chunk, make_dict_structure_fn(Chunk, converter, audio=override(rename="data"))
    )
    return converter

"""The queries of the WebSockets of speech to text, and ``config`` (protocol §4.2 to §4.4).

Parameters that only another model uses are checked, and have no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from trio_cartesia.server.audio.encodings import INPUT_BYTES_PER_SAMPLE
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.catalogue.models import TRANSCRIBED_LANGUAGES, is_ink, is_whisper
from trio_cartesia.server.messages.errors import APIError, ErrorBody, invalid
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.messages.settings import MODEL_NOT_FOUND
from trio_cartesia.server.stt.turn_detector import Thresholds

__all__ = [
    "ManualSettings",
    "StreamSettings",
    "TurnsSettings",
    "read_config",
    "read_language",
    "read_manual_query",
    "read_samples",
    "read_turns_query",
]

MAX_KEYTERMS: Final = 100
MAX_KEYTERM_CHARACTERS: Final = 1200  # of all keyterms
SAMPLE_RATES: Final = (1000, 384_000)  # the lowest and the highest one, which are our own
DEFAULT_LANGUAGE: Final = "en"
DEFAULT_VOLUME: Final = 0.02
DEFAULT_SILENCE_SECONDS: Final = 5.0
MAX_SILENCE_SECONDS: Final = 3600.0
NO_LANGUAGE: Final = ErrorBody(
    status=400,
    title="Language not supported",
    message="The model does not have that language.",
    code="language_not_supported",
)
KEYTERMS: Final = invalid(
    f"keyterm must be at most {MAX_KEYTERMS} terms of {MAX_KEYTERM_CHARACTERS} characters in all."
)
NO_ORDER: Final = invalid(
    "turn_start_threshold must be above turn_eager_end_threshold, and that above"
    " turn_end_threshold."
)
RANGES: Final = {  # protocol §4.4
    "start_threshold": (0.5, 0.9),
    "eager_end_threshold": (0.3, 0.6),
    "end_threshold": (0.05, 0.5),
    "end_timeout_ms": (640.0, 11200.0),
}
WIDE_EAGER_END: Final = 0.8  # protocol §6a E1
TURN_PREFIX: Final = "turn_"  # of parameters in the query


@attrs.frozen(kw_only=True)
class StreamSettings:
    """The settings that both WebSockets have.

    Attributes:
        encoding: One of protocol §6.2.
        keyterms: Words that the client expects, for models that use them.
    """

    model: str
    encoding: str
    sample_rate: int
    language: str = DEFAULT_LANGUAGE
    keyterms: tuple[str, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class ManualSettings(StreamSettings):
    """The settings of `/stt/websocket`.

    Attributes:
        has_words: Whether final transcripts have the times of their words.
        min_volume: The peak, as a part of full scale, below which audio is silence.
        max_silence_seconds: The silence after speech at which its transcript becomes final.
    """

    has_words: bool
    min_volume: float = DEFAULT_VOLUME
    max_silence_seconds: float = DEFAULT_SILENCE_SECONDS


@attrs.frozen(kw_only=True)
class TurnsSettings(StreamSettings):
    """The settings of `/stt/turns/websocket`."""

    thresholds: Thresholds


def read_manual_query(query: Query, behaviour: Behaviour) -> ManualSettings:
    """Read the query of `/stt/websocket`.

    Raises:
        APIError: A parameter is missing or not valid.
    """
    common = _read_common(query, has_whisper=True)
    volume = query.number("min_volume", low=0, high=1)
    silence = query.number("max_silence_duration_secs", low=0, high=MAX_SILENCE_SECONDS)
    if is_ink(common["model"]):
        return ManualSettings(**common, has_words=behaviour.ink2_words)
    return ManualSettings(
        **{**common, "keyterms": ()},
        has_words=True,
        min_volume=DEFAULT_VOLUME if volume is None else volume,
        max_silence_seconds=DEFAULT_SILENCE_SECONDS if silence is None else silence,
    )


def read_turns_query(query: Query, behaviour: Behaviour) -> TurnsSettings:
    """Read the query of `/stt/turns/websocket`.

    Raises:
        APIError: A parameter is missing or not valid, or the thresholds are in the wrong order.
    """
    common = _read_common(query, has_whisper=False)
    values = {
        name: query.number(f"{TURN_PREFIX}{name}", low=low, high=high)
        for name, (low, high) in _ranges(behaviour).items()
    }
    return TurnsSettings(**common, thresholds=_evolved(Thresholds(), values))


def read_config(fields: Fields, current: Thresholds) -> Thresholds:
    """Return the settings after a ``config``, in which all of them are optional.

    Raises:
        APIError: A field is not valid, or the thresholds are in the wrong order.
    """
    turn = fields.inner("turn")
    values = {
        name: turn.number(name, low=low, high=high, default=getattr(current, _attribute(name)))
        for name, (low, high) in _ranges(fields.dialect.behaviour).items()
    }
    return _evolved(current, values)


def read_samples(query: Query) -> tuple[str, int] | None:
    """Return the encoding and the rate of samples without a header; None if none is given.

    Raises:
        APIError: One of them is missing or not valid.
    """
    encoding = query.choice("encoding", tuple(INPUT_BYTES_PER_SAMPLE))
    low, high = SAMPLE_RATES
    rate = query.integer("sample_rate", low=low, high=high, default=0)
    if encoding is None and not rate:
        return None
    if encoding is None or not rate:
        missing = "encoding" if encoding is None else "sample_rate"
        raise APIError(invalid(f"{missing} is missing: encoding and sample_rate go together."))
    return encoding, rate


def read_language(language: str | None, model: str) -> str:
    """Return the language of a request, by default English.

    Raises:
        APIError: The model does not have it.
    """
    known = {DEFAULT_LANGUAGE} if is_ink(model) else TRANSCRIBED_LANGUAGES
    if language is not None and language not in known:
        raise APIError(NO_LANGUAGE)
    return language or DEFAULT_LANGUAGE


def _read_common(query: Query, *, has_whisper: bool) -> dict[str, Any]:
    model = query.text("model")
    if model is None:
        raise query.field_error("model", "given")
    if not is_ink(model) and not (has_whisper and is_whisper(model)):
        raise APIError(MODEL_NOT_FOUND)
    samples = read_samples(query)
    if samples is None:
        raise APIError(invalid("encoding and sample_rate are missing."))
    keyterms = tuple(filter(None, query.values.get("keyterm", ())))
    if len(keyterms) > MAX_KEYTERMS or sum(map(len, keyterms)) > MAX_KEYTERM_CHARACTERS:
        raise APIError(KEYTERMS)
    language = read_language(query.text("language"), model) if has_whisper else DEFAULT_LANGUAGE
    return {
        "model": model,
        "encoding": samples[0],
        "sample_rate": samples[1],
        "language": language,
        "keyterms": keyterms,
    }


def _ranges(behaviour: Behaviour) -> dict[str, tuple[float, float]]:
    if not behaviour.wide_eager_end:
        return RANGES
    return {**RANGES, "eager_end_threshold": (RANGES["eager_end_threshold"][0], WIDE_EAGER_END)}


def _evolved(current: Thresholds, values: Mapping[str, float | None]) -> Thresholds:
    given = {_attribute(name): value for name, value in values.items() if value is not None}
    changed = attrs.evolve(current, **given)
    if not changed.are_ordered:
        raise APIError(NO_ORDER)
    return changed


def _attribute(name: str) -> str:
    return name.removesuffix("_threshold")

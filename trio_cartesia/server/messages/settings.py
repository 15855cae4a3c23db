"""Read the speech settings that `/tts/websocket`, `/tts/sse` and `/tts/bytes` share.

Each function reads one setting from the fields of a request, by its version and behaviour, or
raises `APIError`. Known fields are checked, even if the local voices do not use them (protocol
§2.2.1).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

import attrs

from trio_cartesia.server.catalogue.models import (
    EMBEDDING_VERSIONS,
    EMOTIONS,
    LEGACY_VERSIONS,
    MODE_VERSIONS,
    is_expressive,
    is_language,
    is_model,
    is_voice_id,
)
from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.messages.errors import VOICE_NOT_FOUND, APIError, ErrorBody, invalid
from trio_cartesia.server.messages.fields import MAX_ID_CHARACTERS, Fields

__all__ = [
    "MODEL_NOT_FOUND",
    "Delivery",
    "read_delivery",
    "read_dictionary",
    "read_duration",
    "read_language",
    "read_model",
    "read_normalization",
    "read_normalized",
    "read_voice",
]

MAX_DURATION_SECONDS: Final = 86_400
EMBEDDING_NUMBERS: Final = 192  # protocol §1.2
SPEED_WORDS: Final = {"slow": 0.8, "normal": 1.0, "fast": 1.2}  # the factors are our own
OLD_SPEED_WORDS: Final = {"slowest": 0.6, **SPEED_WORDS, "fastest": 1.5}
OLD_EMOTIONS: Final = {
    "anger": "angry",
    "positivity": "happy",
    "surprise": "surprised",
    "sadness": "sad",
    "curiosity": "curious",
}
MAX_OLD_EMOTIONS: Final = 16
MODEL_NOT_FOUND: Final = ErrorBody(  # protocol §1.7.5
    status=400,
    title="Invalid model",
    message="There is no speech model of that name, or not at this endpoint.",
    code="model_not_found",
)


@attrs.frozen(kw_only=True)
class Delivery:
    """Speed, volume and emotion, which may change within a context."""

    speed: float = 1.0
    volume: float = 1.0
    emotion: str | None = None


def read_model(fields: Fields) -> str:
    """Return the id of a speech model."""
    model_id = fields.nonempty_text("model_id")
    if is_model(model_id):
        return model_id
    raise APIError(MODEL_NOT_FOUND, fields.context_id)


def read_voice(fields: Fields) -> str:
    """Return the id of a voice, in lower case (protocol §1.2).

    The two oldest versions also have embeddings; each embedding has an id derived from it.
    """
    given = fields.values.get("voice")
    if given is None:
        raise APIError(
            invalid("A voice is missing: voice must be the id of one."), fields.context_id
        )
    if isinstance(given, str):
        return _known_voice(fields, fields.nonempty_text("voice"))
    voice = fields.inner("voice", required=True)
    if fields.dialect.version in EMBEDDING_VERSIONS:
        mode = voice.choice("mode", ("id", "embedding"))
        if mode == "embedding" or (mode is None and voice.values.get("id") is None):
            return _read_embedding(voice)
        return _known_voice(fields, voice.nonempty_text("id"))
    has_modes = fields.dialect.version in MODE_VERSIONS or fields.dialect.behaviour.accept_mode
    if voice.choice("mode", ("id",)) and not has_modes:  # protocol §7.1 T30
        raise voice.field_error("mode", "left out")
    for name in ("embedding", "__experimental_controls"):
        if voice.values.get(name) is not None:
            raise voice.field_error(name, "left out; voices have ids")
    return _known_voice(fields, voice.nonempty_text("id"))


def _known_voice(fields: Fields, voice_id: str) -> str:
    voice_id = voice_id.lower()
    is_enough = fields.dialect.behaviour.unknown_voice == "speak"
    if is_voice_id(voice_id) and (is_enough or fields.dialect.find_voice(voice_id)):
        return voice_id
    is_legacy = fields.dialect.version in LEGACY_VERSIONS  # protocol §1.2: 404 since 2026-03-01
    error = attrs.evolve(VOICE_NOT_FOUND, status=400) if is_legacy else VOICE_NOT_FOUND
    raise APIError(error, fields.context_id)


def _read_embedding(voice: Fields) -> str:
    values = voice.values.get("embedding")
    if not (isinstance(values, list) and len(values) == EMBEDDING_NUMBERS):
        raise voice.field_error("embedding", f"a list of {EMBEDDING_NUMBERS} numbers")
    if not all(type(value) in (int, float) for value in values):
        raise voice.field_error("embedding", f"a list of {EMBEDDING_NUMBERS} numbers")
    return str(UUID(bytes=hashlib.sha256(repr(values).encode()).digest()[:16]))


def read_language(fields: Fields) -> tuple[str | None, str | None]:
    """Return ``language`` and ``locale``, of which at most one is set (protocol §7.1 T31)."""
    language, locale = fields.text("language"), fields.text("locale")
    if language is not None and locale is not None:
        raise fields.field_error("locale", "left out where language is given")
    tag = language if locale is None else locale
    if tag is None or is_language(tag):
        return language, locale
    error = ErrorBody(
        status=400,
        title="Language not supported",
        message="The service does not speak that language.",
        code="language_not_supported",
    )
    raise APIError(error, fields.context_id)


def read_normalization(fields: Fields) -> str:
    """Return ``auto``, ``off`` or the locale whose rules turn numbers into words."""
    value = fields.text("normalization") or "auto"
    if value not in ("auto", "off") and not is_language(value):
        raise fields.field_error("normalization", "auto, off or a locale")
    return value


def read_normalized(fields: Fields) -> bool | None:
    """Return whether times refer to the normalised text; None if the request does not set it.

    Older versions have the inverse field, for the original text.
    """
    if fields.values.get("use_normalized_timestamps") is not None:
        return fields.flag("use_normalized_timestamps")
    old = "use_original_timestamps"
    if fields.dialect.version in LEGACY_VERSIONS and fields.values.get(old) is not None:
        return not fields.flag(old)
    return None


def read_dictionary(fields: Fields) -> tuple[str | None, tuple[Pronunciation, ...]]:
    """Return the id of a pronunciation dictionary, and its items."""
    dictionary_id = fields.text("pronunciation_dict_id", longest=MAX_ID_CHARACTERS)
    if dictionary_id is None:
        return None, ()
    items = fields.dialect.find_pronunciations(dictionary_id)
    if items is not None or fields.dialect.behaviour.unknown_dictionary == "speak":
        return dictionary_id, items or ()
    error = ErrorBody(  # protocol §1.2: since 2026-03-01
        status=400 if fields.dialect.version in LEGACY_VERSIONS else 404,
        title="Pronunciation dictionary not found",
        message="No pronunciation dictionary with that id is available to this account.",
    )
    raise APIError(error, fields.context_id)


def read_duration(fields: Fields) -> float | None:
    """Return the longest audio in seconds, or None (protocol §2.2.1, of older versions)."""
    return fields.number("duration", low=0, high=MAX_DURATION_SECONDS, default=0) or None


def read_delivery(fields: Fields) -> Delivery:
    """Return the delivery, from ``generation_config`` if the model supports it."""
    word = fields.choice("speed", tuple(SPEED_WORDS)) or "normal"
    older = Delivery(speed=SPEED_WORDS[word])
    if fields.dialect.version in EMBEDDING_VERSIONS and isinstance(
        fields.values.get("voice"), dict
    ):
        older = _read_controls(fields.inner("voice").inner("__experimental_controls"), older)
    config = fields.inner("generation_config")
    delivery = Delivery(
        speed=config.number("speed", low=0.6, high=1.5, default=older.speed, may_clamp=True),
        volume=config.number("volume", low=0.5, high=2.0, default=1.0, may_clamp=True),
        emotion=_read_emotion(config) or older.emotion,
    )
    return delivery if is_expressive(str(fields.values.get("model_id"))) else older


def _read_emotion(config: Fields) -> str | None:
    emotion = config.text("emotion")
    if emotion is None or emotion.lower() in EMOTIONS:
        return emotion and emotion.lower()
    if config.dialect.behaviour.unknown_emotion == "error":
        raise config.field_error("emotion", "an emotion of the list in the documentation")
    return None


def _read_controls(controls: Fields, delivery: Delivery) -> Delivery:
    """Read ``__experimental_controls`` of the two oldest versions (protocol §1.2)."""
    speed: Any = controls.values.get("speed")
    if isinstance(speed, str):
        delivery = attrs.evolve(
            delivery, speed=OLD_SPEED_WORDS[controls.choice("speed", OLD_SPEED_WORDS)]
        )
    elif speed is not None:
        steps = controls.number("speed", low=-1, high=1, default=0)
        delivery = attrs.evolve(delivery, speed=1 + steps * (0.5 if steps > 0 else 0.4))
    emotions = controls.values.get("emotion") or []
    if not isinstance(emotions, list) or len(emotions) > MAX_OLD_EMOTIONS:
        raise controls.field_error("emotion", "a short list such as positivity:high")
    for emotion in reversed(emotions):  # the first one counts
        name = emotion.partition(":")[0] if isinstance(emotion, str) else ""
        if name not in OLD_EMOTIONS:
            raise controls.field_error("emotion", f"of {', '.join(OLD_EMOTIONS)}, as in anger:low")
        delivery = attrs.evolve(delivery, emotion=OLD_EMOTIONS[name])
    return delivery

"""Emotions, languages and models that this version knows of (protocol §1.9, §2.2.1).

The service adds to them at any time, so others are passed on; each is logged once, at DEBUG.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Final

__all__ = ["EMOTIONS", "LANGUAGES", "note_emotion", "note_language", "note_model"]

MODEL_FAMILY: Final = "sonic"

# fmt: off
EMOTIONS: Final = frozenset((
    "neutral", "happy", "excited", "enthusiastic", "elated", "euphoric", "triumphant", "amazed",
    "surprised", "flirtatious", "curious", "content", "peaceful", "serene", "calm", "grateful",
    "affectionate", "trust", "sympathetic", "anticipation", "mysterious", "angry", "mad",
    "outraged", "frustrated", "agitated", "threatened", "disgusted", "contempt", "envious",
    "sarcastic", "ironic", "sad", "dejected", "melancholic", "disappointed", "hurt", "guilty",
    "bored", "tired", "rejected", "nostalgic", "wistful", "apologetic", "hesitant", "insecure",
    "confused", "resigned", "anxious", "panicked", "alarmed", "scared", "proud", "confident",
    "distant", "skeptical", "contemplative", "determined",
))
LANGUAGES: Final = frozenset((
    "en", "fr", "de", "es", "pt", "zh", "ja", "hi", "it", "ko", "nl", "pl", "ru", "sv", "tr", "tl",
    "bg", "ro", "ar", "cs", "el", "fi", "hr", "ms", "sk", "da", "ta", "uk", "hu", "no", "vi", "bn",
    "th", "he", "ka", "id", "te", "gu", "kn", "ml", "mr", "pa", "or", "ur",
))
# fmt: on

_log: Final = logging.getLogger("trio_cartesia.protocol")


def note_emotion(emotion: str) -> None:
    """Log an emotion, in lower case, that is not among `EMOTIONS`."""
    if emotion not in EMOTIONS:
        _note("emotion", emotion)


def note_language(tag: str) -> None:
    """Log a language or locale whose language is not among `LANGUAGES`."""
    if tag.replace("_", "-").partition("-")[0].lower() not in LANGUAGES:
        _note("language", tag)


def note_model(model_id: str) -> None:
    """Log a model of another family than `MODEL_FAMILY`."""
    if not model_id.startswith(MODEL_FAMILY):
        _note("model", model_id)


def _note(kind: str, value: str) -> None:
    if _log.isEnabledFor(logging.DEBUG):
        _note_once(kind, value)


@lru_cache(maxsize=256)
def _note_once(kind: str, value: str) -> None:
    _log.debug("the %s %r is not known to this version, and is passed on", kind, value)

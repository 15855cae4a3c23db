"""Find and parse the markup of transcripts (protocol §2.14).

A tag counts as markup only if its syntax is exact and its value is in range. Otherwise it is text,
which is read aloud, because the API documents no error for it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final

import attrs

from trio_cartesia.server.catalogue.models import EMOTIONS

__all__ = [
    "Change",
    "Markup",
    "Pause",
    "Sound",
    "Span",
    "Spelling",
    "blank_laughter",
    "find_markup",
]

LONGEST_PAUSE_SECONDS: Final = 60
LONGEST_SPELLING: Final = 1000  # characters between the tags
LONGEST_PHONEMES: Final = 200  # characters between the brackets
LONGEST_MARKUP: Final = LONGEST_SPELLING + 50
_RANGES: Final = {"speed": (0.6, 1.5), "volume": (0.5, 2.0)}  # protocol §2.14
_MILLISECONDS: Final = {"ms": 1, "s": 1000}

_NUMBER: Final = r"(?P<number>\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})"
_RATIO: Final = _NUMBER.replace("number", "ratio")
_MARKUP: Final = re.compile(
    rf"""
    <(?:break|pause) \s{{1,9}} time=["']{_NUMBER}(?P<unit>ms|s)["'] \s{{0,9}} />
  | <(?P<name>speed|volume) \s{{1,9}} ratio=["']{_RATIO}["'] \s{{0,9}} />
  | <emotion \s{{1,9}} value=["'](?P<emotion>[A-Za-z]{{1,20}})["'] \s{{0,9}} />
  | <spell>(?P<spelled>[^<]{{0,{LONGEST_SPELLING}}})</spell>
  | <<(?P<phonemes>[^\s<>]{{1,{LONGEST_PHONEMES}}})>>
  | (?P<laughter>\[laughter\])
    """,
    re.VERBOSE,
)


@attrs.frozen
class Pause:
    """Silence between two texts."""

    seconds: float


@attrs.frozen
class Change:
    """A new value for one setting of the delivery, from here on."""

    name: str
    value: float | str


@attrs.frozen
class Spelling:
    """The part of the text between two places, which is read character by character."""

    start: int
    end: int


class Sound(Enum):
    """Markup that is spoken, but not as it is written."""

    PHONEMES = "phonemes"
    LAUGHTER = "laughter"


@attrs.frozen
class Span:
    """The place of a sound in a text, brackets included."""

    start: int
    end: int
    sound: Sound


@attrs.frozen
class Markup:
    """One piece of markup: its place in the text, and its effect."""

    start: int
    end: int
    effect: Pause | Change | Spelling | Sound


def find_markup(text: str, start: int, stop: int) -> Markup | None:
    """Find the first markup that begins in ``text[start:stop]``; it may end after that."""
    for match in _MARKUP.finditer(text, start, stop + LONGEST_MARKUP):
        if match.start() >= stop:
            break
        if (effect := _effect(match)) is not None:
            return Markup(match.start(), match.end(), effect)
    return None


def _effect(match: re.Match[str]) -> Pause | Change | Spelling | Sound | None:
    """Return the effect of a match; None if its value is out of range."""
    if match["spelled"] is not None:
        return Spelling(*match.span("spelled"))
    if match["phonemes"] is not None:
        return Sound.PHONEMES
    if match["laughter"] is not None:
        return Sound.LAUGHTER
    if match["emotion"] is not None:
        emotion = match["emotion"].lower()
        return Change("emotion", emotion) if emotion in EMOTIONS else None
    if match["ratio"] is not None:
        low, high = _RANGES[match["name"]]
        ratio = float(match["ratio"])
        return Change(match["name"], ratio) if low <= ratio <= high else None
    seconds = float(match["number"]) * _MILLISECONDS[match["unit"]] / 1000
    return Pause(seconds) if seconds <= LONGEST_PAUSE_SECONDS else None


def blank_laughter(text: str, spans: Sequence[Span]) -> str:
    """Return *text* with laughter replaced by blanks, because it is not a word."""
    for span in spans:
        if span.sound is Sound.LAUGHTER:
            text = text[: span.start] + " " * (span.end - span.start) + text[span.end :]
    return text

"""Recordings of people in the recogniser's wheel, and how many words of a text are wrong."""

from __future__ import annotations

import re
import wave
from itertools import pairwise
from pathlib import Path

import pytest

TEXTS = {
    "beckett.wav": "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better.",
    "two_cities.wav": (
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
        "age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was "
        "the season of light, it was the season of darkness, it was the spring of hope, it was the "
        "winter of despair, we had everything before us, we had nothing before us, we were all "
        "going direct to heaven, we were all going direct the other way. In short, the period was "
        "so far like the present period, that some of its noisiest authorities insisted on its "
        "being received, for good or for evil, in the superlative degree of comparison only."
    ),
}


def recording(name: str) -> tuple[bytes, int]:
    """The samples of a recording, and its rate."""
    package = pytest.importorskip("moonshine_voice", reason="the extra ears is not installed")
    with wave.open(str(Path(package.__file__).parent / "assets" / name)) as file:
        return file.readframes(file.getnframes()), file.getframerate()


def words_of(text: str) -> list[str]:
    """The words without case and punctuation."""
    return re.findall(r"[\w']+", text.lower())


def word_errors(expected: str, found: str) -> int:
    """The fewest insertions, deletions and substitutions of words between both."""
    others = words_of(found)
    errors = list(range(len(others) + 1))
    for word in words_of(expected):
        steps = zip(pairwise(errors), others, strict=True)
        errors = [errors[0] + 1]
        for (before, above), other in steps:
            errors.append(min(before + (word != other), above + 1, errors[-1] + 1))
    return errors[-1]

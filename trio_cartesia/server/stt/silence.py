"""When a silence has lasted, for transcripts that become final by themselves (protocol §4.3)."""

from __future__ import annotations

import array
import sys
from typing import Final

import attrs

from trio_cartesia.server.recognition.interface import SAMPLE_RATE

__all__ = ["SilenceTimer"]

FULL_SCALE: Final = 32768


@attrs.define(eq=False)
class SilenceTimer:
    """Counts the silence after sound.

    Attributes:
        min_volume: The peak, as a part of full scale, below which audio is silence.
        max_seconds: The time that the silence may last.
    """

    min_volume: float
    max_seconds: float
    _has_sound: bool = attrs.field(default=False, init=False)
    _silent_seconds: float = attrs.field(default=0.0, init=False)

    def add(self, samples: bytes) -> bool:
        """Add some milliseconds of audio; return whether a silence has now lasted for too long."""
        if _peak(samples) >= self.min_volume * FULL_SCALE:
            self._has_sound, self._silent_seconds = True, 0.0
        else:
            self._silent_seconds += len(samples) / 2 / SAMPLE_RATE
        return self._has_sound and self._silent_seconds >= self.max_seconds

    def reset(self) -> None:
        """Start anew: the next silence counts from the next sound."""
        self._has_sound, self._silent_seconds = False, 0.0


def _peak(samples: bytes) -> int:
    values = array.array("h", samples)
    if sys.byteorder == "big":
        values.byteswap()
    return max(max(values), -min(values))

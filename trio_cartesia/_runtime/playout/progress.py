"""How much of what was given out has been played, and how much of that was speech."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import attrs

__all__ = ["MOST_GAPS", "Progress"]

MOST_GAPS: Final = 256  # of silence, whose places are remembered


@attrs.define(eq=False)
class Progress:
    """Follows a far end that plays frames one after the other, as soon as it has them.

    A frame reaches the far end at the latest when the next one is asked for, so that is when the
    far end is taken to have it: its position is never overrated. Where the far end reports its
    position, that counts, and the clock no longer does.

    Positions are seconds of all that was given out, silence included. Times are on any one clock.
    """

    _sample_rate: int
    _frame_samples: int
    _given: int = attrs.field(default=0, init=False)  # samples
    _arrived: int = attrs.field(default=0, init=False)  # samples that the far end has
    # when it began to play; later, when it would have begun to be where it is without a break
    _began: float = attrs.field(default=-math.inf, init=False)
    _reported: float | None = attrs.field(default=None, init=False)
    _gaps: deque[tuple[int, int]] = attrs.field(factory=deque, init=False)  # of silence, in samples
    _earlier_gaps: int = attrs.field(default=0, init=False)  # samples of gaps whose place is lost

    @property
    def given_seconds(self) -> float:
        """How much was given out."""
        return self._given / self._sample_rate

    @property
    def dry_at(self) -> float:
        """When the far end has played all that it has; minus infinity before the first frame."""
        return self._began + self._arrived / self._sample_rate

    def give(self, speech_samples: int) -> None:
        """Count a frame that is given out, which begins with so many samples of speech."""
        gap = self._given + speech_samples
        self._given += self._frame_samples
        if gap == self._given:
            return
        if self._gaps and self._gaps[-1][1] == gap:
            gap, _ = self._gaps.pop()
        self._gaps.append((gap, self._given))
        if len(self._gaps) > MOST_GAPS:
            start, stop = self._gaps.popleft()
            self._earlier_gaps += stop - start

    def arrive(self, now: float) -> None:
        """Note that the far end has all that was given out."""
        if self._arrived < self._given:
            self._began = max(self._began, now - self._arrived / self._sample_rate)
            self._arrived = self._given

    def finish(self) -> None:
        """Note that the far end has had the time to play all that it has."""
        self._began = -math.inf

    def report(self, seconds: float) -> None:
        """Take the far end's own position; reports that go back are ignored."""
        samples = round(min(seconds, self.given_seconds) * self._sample_rate)  # sums are not exact
        self._reported = max(self._reported or 0.0, samples / self._sample_rate)

    def played_seconds(self, now: float) -> float:
        """Return the far end's position."""
        if self._reported is not None:
            return self._reported
        return max(0.0, min(self._arrived / self._sample_rate, now - self._began))

    def speech_seconds(self, position_seconds: float) -> float:
        """Return how much speech there is before a position."""
        position = position_seconds * self._sample_rate
        silence = self._earlier_gaps + sum(
            min(stop, position) - start for start, stop in self._gaps if start < position
        )
        return max(0.0, position - silence) / self._sample_rate

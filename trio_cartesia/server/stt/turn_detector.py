"""Where turns begin and end, from a score of whether the user is speaking (protocol §4.4).

It has no clock: time is the audio that was received.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

__all__ = ["Change", "Thresholds", "TurnDetector"]


@attrs.frozen(kw_only=True)
class Thresholds:
    """The settings of turns; the scores are in the order ``start > eager_end > end``.

    Attributes:
        start: The score from which on a turn starts, or goes on after an eager end.
        eager_end: The score below which the end is announced.
        end: The score below which the turn ends.
        end_timeout_ms: The time after the eager end at which the turn ends, whatever the score.
    """

    start: float = 0.8
    eager_end: float = 0.4
    end: float = 0.2
    end_timeout_ms: float = 5600.0

    @property
    def are_ordered(self) -> bool:
        """Whether the scores are in their order."""
        return self.start > self.eager_end > self.end


class Change(Enum):
    """What happens to a turn."""

    START = "turn.start"
    EAGER_END = "turn.eager_end"
    RESUME = "turn.resume"
    END = "turn.end"


class _State(Enum):
    NO_TURN = "no turn"
    SPEAKING = "speaking"
    PAUSED = "paused"  # after the eager end


_NEXT: Final = {
    Change.START: _State.SPEAKING,
    Change.EAGER_END: _State.PAUSED,
    Change.RESUME: _State.SPEAKING,
    Change.END: _State.NO_TURN,
}


@attrs.define(eq=False)
class TurnDetector:
    """The turns of one stream.

    Attributes:
        thresholds: The settings, which may change at any time.
    """

    thresholds: Thresholds
    _state: _State = attrs.field(default=_State.NO_TURN, init=False)
    _paused_ms: float = attrs.field(default=0.0, init=False)

    @property
    def is_in_turn(self) -> bool:
        """Whether a turn has started and not ended."""
        return self._state is not _State.NO_TURN

    @property
    def is_speaking(self) -> bool:
        """Whether a turn has started, and its end has not been announced."""
        return self._state is _State.SPEAKING

    def end(self) -> None:
        """End the turn, if there is one; another may start at once."""
        self._state = _State.NO_TURN

    def add(self, score: float, milliseconds: float) -> Change | None:
        """Return the change after so much more audio, with that score at its end."""
        change = self._change(score, milliseconds)
        if change is not None:
            self._state, self._paused_ms = _NEXT[change], 0.0
        return change

    def _change(self, score: float, milliseconds: float) -> Change | None:
        limits = self.thresholds
        if self._state is _State.NO_TURN:
            return Change.START if score >= limits.start else None
        if score < limits.end:
            return Change.END
        if self._state is _State.SPEAKING:
            return Change.EAGER_END if score < limits.eager_end else None
        if score >= limits.start:
            return Change.RESUME
        self._paused_ms += milliseconds
        return Change.END if self._paused_ms >= limits.end_timeout_ms else None

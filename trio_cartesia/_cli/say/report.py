"""
How far a text is, and what to say about it.
"""

from __future__ import annotations

import enum

import attrs
import trio

__all__ = ["Report", "State"]


class State(enum.Enum):
    """What has become of a text; the values are what users read."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@attrs.define(eq=False)
class Report:
    """
    What is known of one text; times are those of Trio's clock.

    Attributes:
        name: Its file of speech; the text itself is shown nowhere.
        state: What has become of it.
        audio_seconds: How much speech there is.
        error: Why it failed.
    """

    name: str
    state: State = attrs.field(default=State.WAITING, init=False)
    audio_seconds: float = attrs.field(default=0.0, init=False)
    error: Exception | None = attrs.field(default=None, init=False)
    _began_at: float | None = attrs.field(default=None, init=False)
    _first_at: float | None = attrs.field(default=None, init=False)
    _last_at: float | None = attrs.field(default=None, init=False)

    def begin(self) -> None:
        """Note that its text is being sent."""
        self.state = State.SPEAKING
        if self._began_at is None:
            self._began_at = trio.current_time()

    def hear(self, audio_seconds: float) -> None:
        """Note that there is so much speech now."""
        self.audio_seconds = audio_seconds
        self._last_at = trio.current_time()
        if self._first_at is None:
            self._first_at = self._last_at

    def end(self, state: State, error: Exception | None = None) -> None:
        """Note what has become of it."""
        self.state, self.error = state, error

    @property
    def first_audio_seconds(self) -> float | None:
        """How long the first audio took, from the moment when there was text."""
        if self._began_at is None or self._first_at is None:
            return None
        return self._first_at - self._began_at

    @property
    def times_real_time(self) -> float | None:
        """How many seconds of audio came in a second."""
        if self._began_at is None or self._last_at is None or self._last_at == self._began_at:
            return None
        return self.audio_seconds / (self._last_at - self._began_at)

    def summary(self) -> str:
        """Return a line about how it went."""
        parts = [] if self.state is State.DONE else [self.state.value]
        parts.append(f"{self.audio_seconds:.1f} s of audio")
        if self.first_audio_seconds is not None:
            parts.append(f"first after {1000 * self.first_audio_seconds:.0f} ms")
        if self.times_real_time is not None:
            parts.append(f"{self.times_real_time:.1f}x real time")
        return f"{self.name}: {', '.join(parts)}"

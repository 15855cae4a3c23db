"""The state of one text, for progress lines and the summary."""

from __future__ import annotations

import enum
from typing import Final

import attrs
import trio

from trio_cartesia import Heard

__all__ = ["Report", "State"]

HEARD_CHARACTERS: Final = 60  # shown, of the end of what was heard


class State(enum.Enum):
    """The state of a text; messages show the values."""

    WAITING = "waiting"
    SPEAKING = "speaking"
    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@attrs.define(eq=False)
class Report:
    """The progress of one text.

    Attributes:
        name: The name of its recording. Messages show of its text only where playing stopped.
        state: Its state.
        audio_seconds: The duration of the audio so far.
        error: The reason of a failure.
    """

    name: str
    state: State = attrs.field(default=State.WAITING, init=False)
    audio_seconds: float = attrs.field(default=0.0, init=False)
    error: Exception | None = attrs.field(default=None, init=False)
    _heard_seconds: float | None = attrs.field(default=None, init=False)
    _heard_text: str = attrs.field(default="", init=False, repr=False)
    _began_at: float | None = attrs.field(default=None, init=False)
    _first_at: float | None = attrs.field(default=None, init=False)
    _last_at: float | None = attrs.field(default=None, init=False)

    def begin(self) -> None:
        """Called when its text is sent."""
        self.state = State.SPEAKING
        if self._began_at is None:
            self._began_at = trio.current_time()

    def receive(self, audio_seconds: float) -> None:
        """Called when audio was received, with the duration of all of it."""
        self.audio_seconds = audio_seconds
        self._last_at = trio.current_time()
        if self._first_at is None:
            self._first_at = self._last_at

    def add_heard(self, heard: Heard) -> None:
        """Called when one of its contexts was played, in whole or in part."""
        self._heard_seconds = (self._heard_seconds or 0.0) + heard.seconds
        self._heard_text = (self._heard_text + heard.text)[-2 * HEARD_CHARACTERS :]

    def end(self, state: State, error: Exception | None = None) -> None:
        """Called at its end."""
        self.state, self.error = state, error

    @property
    def first_audio_seconds(self) -> float | None:
        """The time from the first text to the first audio."""
        if self._began_at is None or self._first_at is None:
            return None
        return self._first_at - self._began_at

    @property
    def times_real_time(self) -> float | None:
        """Seconds of audio received per second."""
        if self._began_at is None or self._last_at is None or self._last_at == self._began_at:
            return None
        return self.audio_seconds / (self._last_at - self._began_at)

    def summary(self) -> str:
        """Return a line with its state and times."""
        parts = [] if self.state is State.DONE else [self.state.value, *self._heard()]
        parts.append(f"{self.audio_seconds:.1f} s of audio")
        if self.first_audio_seconds is not None:
            parts.append(f"first after {1000 * self.first_audio_seconds:.0f} ms")
        if self.times_real_time is not None:
            parts.append(f"{self.times_real_time:.1f}x real time")
        return f"{self.name}: {', '.join(parts)}"

    def _heard(self) -> list[str]:
        if self._heard_seconds is None:
            return []
        text = "".join(each if each.isprintable() else " " for each in self._heard_text).strip()
        if len(text) > HEARD_CHARACTERS:
            text = f"...{text[-HEARD_CHARACTERS:]}"
        return [f"{self._heard_seconds:.1f} s were heard" + (f', to "{text}"' if text else "")]

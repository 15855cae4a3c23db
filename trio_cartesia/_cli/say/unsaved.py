"""Speech that is played and not kept."""

from __future__ import annotations

import attrs

from trio_cartesia import WordTimes
from trio_cartesia._cli.say.recording import Recording
from trio_cartesia._cli.say.wav import AudioFile

__all__ = ["UnsavedRecording"]


@attrs.define(eq=False)
class NoFile:
    """Counts audio."""

    data_bytes: int = attrs.field(default=0, init=False)

    def write(self, audio: bytes) -> None:
        """Count whole frames."""
        self.data_bytes += len(audio)


@attrs.define(eq=False)
class UnsavedRecording(Recording):
    """A recording that keeps nothing but its duration."""

    _name: str

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self._name

    def add_words(self, times: WordTimes) -> None:
        """Do nothing: there is no file beside it."""

    def _open(self) -> AudioFile:
        return NoFile()

"""The recording of one text, wherever its audio goes."""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs
import trio

from trio_cartesia import SampleFormat, WholeFrames, WordTimes
from trio_cartesia._cli.say.wav import AudioFile

__all__ = ["Recording"]


@attrs.define(eq=False)
class Recording(ABC):
    """The speech of one text, which may arrive in several contexts.

    Attributes:
        sample_format: The layout of its audio.
        is_complete: Whether all speech was recorded.
    """

    sample_format: SampleFormat
    is_complete: bool = attrs.field(default=False, init=False)
    _file: AudioFile | None = attrs.field(default=None, init=False)
    _frames: WholeFrames = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._frames = self.sample_format.whole_frames()

    @property
    @abstractmethod
    def name(self) -> str:
        """Its name in messages."""

    @property
    def is_written(self) -> bool:
        """Whether there is audio in the output, or all speech was recorded and had none."""
        return self.is_complete or (self._file is not None and self._file.data_bytes > 0)

    @property
    def seconds(self) -> float:
        """The duration of the audio so far."""
        return self.sample_format.seconds(self._file.data_bytes if self._file else 0)

    def begin_context(self) -> None:
        """Start the audio of a further context, at a whole frame."""
        self._frames = self.sample_format.whole_frames()

    def write(self, audio: bytes) -> None:
        """Append audio, which may end within a frame."""
        if frames := self._frames.take(audio):
            self._writer().write(frames)

    @abstractmethod
    def add_words(self, times: WordTimes) -> None:
        """Record word times, which count from `begin_context`."""

    def complete(self) -> None:
        """End the recording; one without audio is valid and empty."""
        self._writer()
        self.is_complete = True

    async def flush(self) -> None:
        """Wait until the output has taken everything that was written."""
        await trio.lowlevel.checkpoint()

    def _writer(self) -> AudioFile:
        if self._file is None:
            self._file = self._open()
        return self._file

    @abstractmethod
    def _open(self) -> AudioFile:
        """Start the output; called when there is audio, or at the end."""

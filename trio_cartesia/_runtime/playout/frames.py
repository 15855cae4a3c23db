"""A stream of audio, cut into frames of one size."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.base.events import size_of

__all__ = ["Frame", "FrameBuffer"]


@attrs.frozen(kw_only=True)
class Frame:
    """One of a playout's frames, which are all of the same size.

    Attributes:
        audio: Its bytes, in the context's encoding.
        start_seconds: Where it starts in all that the playout gave out, silence included.
    """

    audio: bytes = attrs.field(repr=size_of)
    start_seconds: float


@attrs.define(eq=False)
class FrameBuffer:
    """Audio that waits to be given out; chunks may end anywhere, even within a sample."""

    _format: SampleFormat
    _frame_samples: int
    _audio: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    @property
    def samples(self) -> int:
        """Whole samples that wait."""
        return len(self._audio) // self._format.bytes_per_frame

    @property
    def seconds(self) -> float:
        """How long they play."""
        return self.samples / self._format.sample_rate

    @property
    def has_frame(self) -> bool:
        """True if there is enough for a frame."""
        return self.samples >= self._frame_samples

    def add(self, audio: bytes) -> None:
        """Append *audio*."""
        self._audio += audio

    def take(self) -> tuple[bytes, int]:
        """Remove and return a frame, and the number of its samples that were waiting.

        The others, at its end, are the encoding's own silence.
        """
        samples = min(self.samples, self._frame_samples)
        size = samples * self._format.bytes_per_frame
        audio = bytes(memoryview(self._audio)[:size])
        del self._audio[:size]
        return audio + self._format.silence(self._frame_samples - samples), samples

    def clear(self) -> None:
        """Drop what waits."""
        self._audio.clear()

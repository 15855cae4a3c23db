"""When each frame is given out, and what is in it; no I/O, and time enters as an argument."""

from __future__ import annotations

import math
from typing import Final

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._runtime.playout.frames import Frame, FrameBuffer
from trio_cartesia._runtime.playout.progress import Progress
from trio_cartesia._runtime.playout.settings import PlayoutSettings

__all__ = ["AHEAD_SECONDS", "Pacer"]

AHEAD_SECONDS: Final = 30.0  # of audio that is taken from the inbox early, for the words behind it


@attrs.define(eq=False)
class Pacer:
    """Turns audio that arrives at any time into frames, each at its time.

    Attributes:
        settings: How long frames are, and when they are given out.
        progress: What was given out, and how much of that was played.
        buffer: Audio that waits to be given out.
        underruns: Gaps that were filled with silence, however long.
        is_paused: True while nothing is to be given out.
        has_ended: True once no more audio will come.
    """

    settings: PlayoutSettings
    _format: SampleFormat
    progress: Progress = attrs.field(init=False)
    buffer: FrameBuffer = attrs.field(init=False)
    underruns: int = attrs.field(default=0, init=False)
    is_paused: bool = attrs.field(default=False, init=False)
    has_ended: bool = attrs.field(default=False, init=False)
    _is_in_gap: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        samples = self.settings.frame_samples(self._format.sample_rate)
        self.progress = Progress(self._format.sample_rate, samples)
        self.buffer = FrameBuffer(self._format, samples)

    @property
    def is_full(self) -> bool:
        """True while as much waits as may be taken early."""
        return self.buffer.seconds >= AHEAD_SECONDS

    @property
    def is_real_time(self) -> bool:
        """True where the clock sets the pace."""
        return self.settings.pace == "real_time"

    @property
    def next_at(self) -> float:
        """When to give out the next frame; infinity while that depends on audio or a call."""
        if self.is_paused:
            return math.inf
        if not self.is_real_time:
            return -math.inf if self._has_audio else math.inf
        if self._has_audio:
            return self.progress.dry_at - self.settings.lead_seconds
        if self.has_ended or not self.progress.given_seconds:
            return math.inf
        return self.progress.dry_at  # with silence

    @property
    def ends_at(self) -> float:
        """When all was played, or under the pace of the audio, given out; infinity if unknown."""
        if not self.has_ended or self.buffer.samples:
            return math.inf
        return self.progress.dry_at if self.is_real_time else -math.inf

    def give(self) -> Frame:
        """Return the next frame, since its time has come."""
        start_seconds, has_audio = self.progress.given_seconds, self._has_audio
        audio, samples = self.buffer.take()
        self.progress.give(samples)
        if not has_audio and (samples or not self._is_in_gap):
            self.underruns += 1
        self._is_in_gap = not has_audio
        return Frame(audio=audio, start_seconds=start_seconds)

    @property
    def _has_audio(self) -> bool:
        """True if there is enough for a frame, or if there is less and it is the rest."""
        return self.buffer.has_frame or (self.has_ended and self.buffer.samples > 0)

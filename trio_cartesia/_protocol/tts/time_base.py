"""What the times of words and phonemes count from."""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia._protocol.tts.messages import PhonemeTimestamps, WordTimestamps

__all__ = ["TimeBase"]

ROUNDING_SECONDS: Final = 0.01  # by which times may differ from the audio that they are of

Timestamps = WordTimestamps | PhonemeTimestamps


@attrs.define(eq=False)
class TimeBase:
    """Decides whether a context's times count from its start, or from that of their segment.

    A service may do either (protocol §7.1 T4). The first times after a ``flush_done`` show which:
    counted from the start of the context, they are not before the audio of the segments before.
    Where they are, those times and all later ones count from the start of their segment.

    The two cannot be told apart while a segment begins with silence that is as long as all audio
    before it; its times are then taken to count from the start of the context.
    """

    _base_seconds: float = attrs.field(default=0.0, init=False)
    _segment_seconds: float | None = attrs.field(default=None, init=False)  # until it has times
    _starts_anew: bool = attrs.field(default=False, init=False)

    def begin_segment(self, audio_seconds: float) -> None:
        """Note that a segment begins after so much audio."""
        self._segment_seconds = audio_seconds

    def receive(self, event: Timestamps) -> Timestamps:
        """Return the next event of times with its `base_seconds`."""
        starts = _starts(event)
        if starts and (begins_at := self._segment_seconds) is not None:
            self._segment_seconds = None
            self._starts_anew = self._starts_anew or starts[0] < begins_at - ROUNDING_SECONDS
            self._base_seconds = begins_at if self._starts_anew else 0.0
        return attrs.evolve(event, base_seconds=self._base_seconds) if self._base_seconds else event


def _starts(event: Timestamps) -> tuple[float, ...]:
    if isinstance(event, WordTimestamps):
        return event.word_timestamps.start
    return event.phoneme_timestamps.start

"""A snapshot of a microphone."""

from __future__ import annotations

import attrs

__all__ = ["MicrophoneStatistics"]


@attrs.frozen(kw_only=True)
class MicrophoneStatistics:
    """A microphone at one moment.

    Attributes:
        audio_seconds: The audio that was recorded, without what was dropped.
        buffered_seconds: The audio that waits to be received.
        buffer_limit_seconds: The most that waits: 10.
        dropped_seconds: The audio that was dropped, because as much waited already.
    """

    audio_seconds: float
    buffered_seconds: float
    buffer_limit_seconds: float
    dropped_seconds: float

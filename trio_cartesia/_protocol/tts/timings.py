"""The times of one context's events; time is an argument."""

from __future__ import annotations

import math

import attrs

from trio_cartesia._protocol.tts.formats import RawOutputFormat

__all__ = ["AudioArrivals", "Timings"]


@attrs.frozen(kw_only=True)
class Timings:
    """The times of one context, in seconds of Trio's clock; None for events that have not happened.

    The times of audio are those of its arrival, not those at which it was received from the
    context.

    Attributes:
        opened_at: When the context's block was entered; in a pool, when it began to wait.
        pushed_at: When text was first pushed, except pushes that were withdrawn.
        sent_at: When the first message was on the wire.
        first_audio_at: When the first audio arrived.
        last_audio_at: When the latest audio arrived.
        ended_at: When the context ended, or its block was left.
        audio_seconds: The duration of the audio that has arrived.
        starved_seconds: The silence within the speech if a player plays each chunk as soon as it
            has arrived and the chunks before it have been played; without the wait for the first
            audio.
    """

    opened_at: float
    pushed_at: float | None
    sent_at: float | None
    first_audio_at: float | None
    last_audio_at: float | None
    ended_at: float | None
    audio_seconds: float
    starved_seconds: float

    @property
    def first_audio_seconds(self) -> float | None:
        """The time to first audio, from the first push; None before it."""
        if self.pushed_at is None or self.first_audio_at is None:
            return None
        return self.first_audio_at - self.pushed_at

    @property
    def real_time_factor(self) -> float | None:
        """The time from the first push to the latest audio, divided by the audio's duration.

        If it is below 1, speech arrives faster than it plays. If text is pushed while it is being
        written, it includes the waits for text.
        """
        if self.pushed_at is None or self.last_audio_at is None:
            return None
        return (self.last_audio_at - self.pushed_at) / self.audio_seconds


@attrs.define(eq=False)
class AudioArrivals:
    """When a context's audio arrived, and how long an immediate listener waited for it.

    Audio that arrives before `enough_until` can cause no wait, so noting it takes no arithmetic.

    Attributes:
        output_format: Its layout.
        size_bytes: How much arrived.
        start_bytes: How much of it arrived in contexts before this one, whose text it goes on with.
        first_at: When it began to arrive.
        last_at: When it arrived last.
        starved_seconds: As in `Timings`.
        enough_until: Until when the listener has something to play, at the least.
    """

    output_format: RawOutputFormat
    size_bytes: int = attrs.field(default=0, init=False)
    start_bytes: int = attrs.field(default=0, init=False)
    first_at: float | None = attrs.field(default=None, init=False)
    last_at: float | None = attrs.field(default=None, init=False)
    starved_seconds: float = attrs.field(default=0.0, init=False)
    enough_until: float = attrs.field(default=-math.inf, init=False)

    @property
    def seconds(self) -> float:
        """How long what arrived plays."""
        return self.output_format.sample_format.seconds(self.size_bytes)

    @property
    def context_seconds(self) -> float:
        """How long what arrived in this context plays."""
        return self.output_format.sample_format.seconds(self.size_bytes - self.start_bytes)

    def look_ahead(self, now: float) -> None:
        """Move `enough_until` to the end of what arrived before *now*, when more arrives."""
        if self.first_at is None:
            self.first_at = now
        played_until = self.first_at + self.starved_seconds + self.seconds
        self.starved_seconds += max(0.0, now - played_until)
        self.enough_until = max(now, played_until)

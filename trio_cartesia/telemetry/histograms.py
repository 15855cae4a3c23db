"""The histograms of contexts and of sessions of speech to text."""

from __future__ import annotations

from typing import Final, Self

import attrs
from opentelemetry.metrics import Histogram, Meter

__all__ = ["Histograms"]

SECONDS: Final = tuple(0.01 * 2**power for power in range(14))  # as the conventions have it
FACTORS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0, 1.25, 1.5, 2.0, 4.0)
BYTES: Final = tuple(1000.0 * 4**power for power in range(12))


@attrs.frozen(kw_only=True)
class Histograms:
    """What is measured of contexts and of sessions of speech to text."""

    duration: Histogram
    first_audio: Histogram
    audio: Histogram
    audio_size: Histogram
    real_time_factor: Histogram
    starved: Histogram
    finalize: Histogram
    turn: Histogram
    eager_end: Histogram

    @classmethod
    def make(cls, meter: Meter) -> Self:
        """Create the instruments."""

        def histogram(
            name: str, unit: str, description: str, bounds: tuple[float, ...] = SECONDS
        ) -> Histogram:
            return meter.create_histogram(
                name, unit, description, explicit_bucket_boundaries_advisory=bounds
            )

        return cls(
            duration=histogram(
                "gen_ai.client.operation.duration",
                "s",
                "From the first push to a context's end, or from before a session's handshake to "
                "its end.",
            ),
            first_audio=histogram(
                "gen_ai.client.operation.time_to_first_chunk",
                "s",
                "From the first push to the first audio.",
            ),
            audio=histogram("cartesia.client.audio.duration", "s", "How long the audio plays."),
            audio_size=histogram(
                "cartesia.client.audio.size", "By", "The audio that a session has sent.", BYTES
            ),
            finalize=histogram(
                "cartesia.client.finalize.duration",
                "s",
                "From `finalize` being sent to its answer.",
            ),
            turn=histogram(
                "cartesia.client.turn.duration", "s", "From the start of a turn to its end."
            ),
            eager_end=histogram(
                "cartesia.client.eager_end.duration",
                "s",
                "From the last eager end of a turn to its end.",
            ),
            real_time_factor=histogram(
                "cartesia.client.real_time_factor",
                "1",
                "Seconds from the first push to the last audio, for each second of audio.",
                FACTORS,
            ),
            starved=histogram(
                "cartesia.client.starved.duration",
                "s",
                "Silence that an immediate listener would have heard.",
            ),
        )

"""Running totals of a connection."""

from __future__ import annotations

import attrs

__all__ = ["Counters"]


@attrs.define
class Counters:
    """Running totals of one connection.

    Attributes:
        contexts_opened: Contexts that were registered, the open ones included.
        requests_sent: Messages that were handed to the transport whole.
        events_received: Messages that came, of every kind.
        audio_bytes_received: Decoded audio of all chunks, the dropped ones included.
        dropped_events: Events that came for a context after it had been cancelled or had ended.
        dropped_audio_bytes: Their audio.
        stray_events: Events for an id that this connection does not know, or no longer.
        unknown_events: Events of a kind that this release does not know.
        malformed_events: Messages that could not be read.
        errors_without_context: ``error`` events that named no context (protocol §2.11).
    """

    contexts_opened: int = 0
    requests_sent: int = 0
    events_received: int = 0
    audio_bytes_received: int = 0
    dropped_events: int = 0
    dropped_audio_bytes: int = 0
    stray_events: int = 0
    unknown_events: int = 0
    malformed_events: int = 0
    errors_without_context: int = 0

    def add_dropped(self, audio_bytes: int) -> None:
        """Count a dropped event with *audio_bytes* of audio."""
        self.dropped_events += 1
        self.dropped_audio_bytes += audio_bytes

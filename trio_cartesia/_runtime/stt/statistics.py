"""A snapshot of a session: counters and states, never text or audio."""

from __future__ import annotations

import attrs

__all__ = ["TranscriptionStatistics"]


@attrs.frozen(kw_only=True)
class TranscriptionStatistics:
    """One speech-to-text session at one moment.

    Attributes:
        state: ``open``, ``draining`` (its audio has ended), ``reconnecting``, ``done`` or ``lost``.
        connections_opened: The connections so far; more than one if the session has reconnected.
        replay_buffer_bytes: The audio that is kept because it has no final text; 0 if the session
            does not reconnect.
        replay_limit_bytes: The most that is kept of it, as set by `Reconnect.replay_seconds`.
        gap_seconds: The audio that was not transcribed: the sum of all `Gap` events.
        audio_seconds_sent: The audio that was sent, silence and repeated audio included.
        audio_bytes_sent: Likewise.
        audio_queue_bytes: The audio that waits for the writer; at most 1,048,576, and 100 ms of
            silence.
        partial_sample_bytes: The bytes of an incomplete sample, kept for the next audio; at most 3.
        muted_audio_bytes: Audio that `feed` dropped while the session was muted.
        commands_sent: Text messages that were sent.
        events_received: Messages that arrived.
        unknown_events: Events of a type that this release does not know.
        errors_received: ``error`` events.
        dropped_events: Events that arrived after the inbox had reached its limit.
        inbox_bytes: The size of the events that wait to be received: 32 bytes for each character,
            and 256 bytes for each event.
        inbox_peak_bytes: The largest such size so far.
        inbox_budget_bytes: The largest allowed size.
        transcript_characters: The characters of text that are kept; at most 1,048,576, and the
            interim text.
        idle_seconds: The time since the last message in either direction. The service closes a
            session after 180 seconds without audio or a command (protocol §1.8).
    """

    state: str
    connections_opened: int
    replay_buffer_bytes: int
    replay_limit_bytes: int
    gap_seconds: float
    audio_seconds_sent: float
    audio_bytes_sent: int
    audio_queue_bytes: int
    partial_sample_bytes: int
    muted_audio_bytes: int
    commands_sent: int
    events_received: int
    unknown_events: int
    errors_received: int
    dropped_events: int
    inbox_bytes: int
    inbox_peak_bytes: int
    inbox_budget_bytes: int
    transcript_characters: int
    idle_seconds: float

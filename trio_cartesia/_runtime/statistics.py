"""Snapshots of contexts and connections: counters and states, never ids, keys or speech."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.tts.timings import Timings

__all__ = ["ConnectionStatistics", "ContextStatistics"]


@attrs.frozen(kw_only=True)
class ContextStatistics:
    """One context at one moment.

    Attributes:
        state: ``new``, ``open``, ``half-closed``, ``draining`` or ``closed``.
        end: ``done``, ``expired``, ``cancelled``, ``failed`` or ``lost``; None while it has not
            ended.
        inbox_bytes: The size of the events that wait to be received: their audio, 32 bytes for each
            character of an event without audio, and 256 bytes for each event.
        inbox_peak_bytes: The largest such size so far.
        inbox_budget_bytes: The largest allowed size.
        unspoken_texts: The number of pieces sent since the last audio arrived.
        timings: The times of its opening, first push, first message, audio and end.
        held_characters: The number of characters that `Context.feed` holds because they are
            incomplete; at most 1,024.
        transcript_characters: The number of characters that were sent and are kept; at most
            1,048,576.
        kept_words: The number of words whose times are kept, to find the text without audio after
            an error; at most 1,024, and none without ``add_timestamps``.
    """

    state: str
    end: str | None
    inbox_bytes: int
    inbox_peak_bytes: int
    inbox_budget_bytes: int
    unspoken_texts: int
    timings: Timings
    held_characters: int
    transcript_characters: int
    kept_words: int


@attrs.frozen(kw_only=True)
class ConnectionStatistics:
    """One connection at one moment.

    Attributes:
        contexts_open: Contexts in their blocks that have not ended.
        contexts_draining: Cancelled contexts that the service has not ended yet; after their
            blocks, at most 1,024 are remembered, each for at most 10 seconds.
        contexts_opened: All contexts so far.
        requests_queued: Messages that wait for the writer: at most one for each task that pushes,
            two for one that feeds, and a cancel request for each context that was left.
        requests_sent: Messages that were sent.
        events_received: Messages that arrived.
        audio_bytes_received: Their decoded audio, including dropped audio.
        inbox_bytes: The size of the events in all inboxes.
        inbox_peak_bytes: The largest such size so far.
        dropped_events: Late events of contexts that were cancelled or had ended.
        dropped_audio_bytes: The audio of these events.
        stray_events: Events for contexts that the connection does not know, or no longer knows.
        unknown_events: Events of a type that this release does not know.
        malformed_events: Messages that could not be parsed.
        errors_without_context: ``error`` events without a context id (protocol §2.11).
        idle_seconds: The time since the last message in either direction. The service closes a
            connection after 300 seconds (protocol §1.8), and pings are not known to prevent that.
        is_lost: True once the connection has ended.
    """

    contexts_open: int
    contexts_draining: int
    contexts_opened: int
    requests_queued: int
    requests_sent: int
    events_received: int
    audio_bytes_received: int
    inbox_bytes: int
    inbox_peak_bytes: int
    dropped_events: int
    dropped_audio_bytes: int
    stray_events: int
    unknown_events: int
    malformed_events: int
    errors_without_context: int
    idle_seconds: float
    is_lost: bool

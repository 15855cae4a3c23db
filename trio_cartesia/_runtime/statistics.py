"""Snapshots of what happens inside: numbers and states, never ids of others, keys or speech."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.tts.timings import Timings

__all__ = ["ConnectionStatistics", "ContextStatistics"]


@attrs.frozen(kw_only=True)
class ContextStatistics:
    """One context at one moment.

    Attributes:
        state: ``new``, ``open``, ``half-closed``, ``draining`` or ``closed``.
        end: How it ended: ``done``, ``expired``, ``cancelled``, ``failed`` or ``lost``; None
            while it has not.
        inbox_bytes: Bytes that wait to be received: audio, 32 for each character of an event that
            is not audio, and 256 for each event.
        inbox_peak_bytes: The most there ever were.
        inbox_budget_bytes: The most there may be.
        unspoken_texts: Pieces sent since the last audio came.
        timings: When it was opened, pushed to, sent, answered and ended.
        held_characters: The end of the text that `Context.feed` holds until it is whole; at most
            1,024.
        transcript_characters: Characters of the text that was sent and is kept; at most 1,048,576.
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


@attrs.frozen(kw_only=True)
class ConnectionStatistics:
    """One connection at one moment.

    Attributes:
        contexts_open: Contexts in their blocks that have not ended.
        contexts_draining: Cancelled contexts whose end the service has yet to confirm; at most
            1,024 are remembered after their blocks, each for 10 seconds at most.
        contexts_opened: All contexts so far.
        requests_queued: Messages that wait for the writer: at most one for each task that pushes,
            two for one that feeds, and a cancel for each context that was left.
        requests_sent: Messages that were sent.
        events_received: Messages that came.
        audio_bytes_received: Their audio, decoded, with what was dropped.
        inbox_bytes: Bytes that wait in all inboxes.
        inbox_peak_bytes: The most there ever were.
        dropped_events: Late events of contexts that were cancelled or had ended.
        dropped_audio_bytes: Their audio.
        stray_events: Events for contexts that the connection does not know, or no longer.
        unknown_events: Events of a kind that this release does not know.
        malformed_events: Messages that could not be read.
        errors_without_context: ``error`` events that named no context (protocol §2.11).
        idle_seconds: Since the last message in either direction; the service closes a connection
            after 300 (protocol §1.8), and pings are not known to count.
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

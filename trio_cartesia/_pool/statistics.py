"""Snapshots of a pool: counters and states, never ids, keys or speech."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["PoolCounters", "PoolStatistics", "Reason"]

Reason = Literal["place", "limit", "connection"]


@attrs.define
class PoolCounters:
    """Running totals of one pool, with the names of `PoolStatistics`."""

    contexts_opened: int = 0
    contexts_moved: int = 0
    contexts_resumed: int = 0
    characters_sent: int = 0
    connections_opened: int = 0
    connections_lost: int = 0
    connections_replaced: int = 0
    connect_failures: int = 0
    ends_missed: int = 0


@attrs.frozen(kw_only=True)
class PoolStatistics:
    """One pool at one moment.

    Attributes:
        waiting: Contexts that wait to be opened: one for each task that is entering a block, and
            those that wait for another connection.
        waiting_for: The reason for which they wait: ``"place"`` if `max_contexts` are open,
            ``"limit"`` if the service refuses more than `working_limit`, ``"connection"`` if there
            is none; None if none waits.
        longest_wait_seconds: The longest time that one of them has waited.
        max_contexts: The number of contexts that may be open at once.
        working_limit: The number that may be open at once after a ``ConcurrencyLimited``; it
            gradually rises to `max_contexts` again.
        contexts_open: Contexts that count for the plan, including draining ones.
        contexts_draining: Contexts that were cancelled or left, and that the service has not ended
            yet; after 10 seconds they no longer count.
        contexts_in_blocks: Contexts whose blocks have not been left, including ended contexts.
        contexts_opened: All contexts so far.
        contexts_moved: The number of moves to another connection, and of contexts that were opened
            again after a ``ConcurrencyLimited``.
        contexts_resumed: The number of texts of which the rest was spoken again after a loss.
        contexts_limited: The number of contexts that the service refused with
            ``ConcurrencyLimited``.
        ends_missed: Draining contexts that the service did not end in time.
        characters_kept: The number of characters that contexts in their blocks keep, because they
            may have to be sent again.
        held_bytes: The size of the audio that contexts with ``resume=True`` hold until they receive
            its word times.
        characters_sent: The number of characters that were sent, including those sent again.
        max_characters: The number of characters that may be sent; None for no limit.
        connections_open: Connections on which contexts can be opened.
        max_connections: The number of connections that there may be.
        connections_opened: All connections so far.
        connections_lost: Connections that ended by themselves.
        connections_replaced: Connections that were closed because they were idle.
        connect_failures: Attempts that made no connection.
        failures_in_a_row: Consecutive attempts that made no connection, or one that soon ended.
        is_breaker_open: True while new connections must last for a second before they are used.
        is_draining: True once the pool opens no further contexts.
    """

    waiting: int
    waiting_for: Reason | None
    longest_wait_seconds: float
    max_contexts: int
    working_limit: int
    contexts_open: int
    contexts_draining: int
    contexts_in_blocks: int
    contexts_opened: int
    contexts_moved: int
    contexts_resumed: int
    contexts_limited: int
    ends_missed: int
    characters_kept: int
    held_bytes: int
    characters_sent: int
    max_characters: int | None
    connections_open: int
    max_connections: int
    connections_opened: int
    connections_lost: int
    connections_replaced: int
    connect_failures: int
    failures_in_a_row: int
    is_breaker_open: bool
    is_draining: bool

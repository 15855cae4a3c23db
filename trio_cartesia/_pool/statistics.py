"""Snapshots of a pool: numbers and states, never ids, keys or speech."""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = ["PoolCounters", "PoolStatistics", "Reason"]

Reason = Literal["place", "limit", "connection"]


@attrs.define
class PoolCounters:
    """Running totals of one pool; `PoolStatistics` says what they are."""

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
        waiting: Contexts that wait to be opened: one for each task in ``async with``, and those
            that wait for another connection.
        waiting_for: Why the first of them waits, and with it all: ``"place"``, since `max_contexts`
            are open; ``"limit"``, since the service refused more than `working_limit`;
            ``"connection"``, since there is none; None where none waits.
        longest_wait_seconds: How long the one that has waited for longest has waited.
        max_contexts: Contexts that may be open at once.
        working_limit: The same after a ``ConcurrencyLimited``, from which it recovers.
        contexts_open: Contexts that count for the plan, the draining ones among them.
        contexts_draining: Contexts that were cancelled or left, and that the service has yet to
            end; after 10 seconds they no longer count.
        contexts_in_blocks: Blocks of contexts that have not been left, whether the service has
            ended their contexts or not.
        contexts_opened: All contexts so far.
        contexts_moved: How often a context went to another connection, or was opened anew after a
            ``ConcurrencyLimited``.
        contexts_resumed: How often the rest of a text was spoken anew after a loss.
        contexts_limited: How often the service refused a context with ``ConcurrencyLimited``.
        ends_missed: Draining contexts whose end never came.
        characters_sent: Text that was sent, with what was sent again.
        max_characters: What may be sent; None for no limit.
        connections_open: Connections that contexts can be opened on.
        max_connections: How many there may be.
        connections_opened: All connections so far.
        connections_lost: Those that ended by themselves.
        connections_replaced: Those that were closed before they idled out.
        connect_failures: Attempts that made no connection.
        failures_in_a_row: Attempts that made no connection, or one that did not last.
        is_breaker_open: True while new connections must last for a second before they are used.
        is_draining: True once no further contexts are admitted.
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

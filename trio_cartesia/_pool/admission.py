"""Admission: the order and the moment in which contexts may be opened."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import ConnectionLost, LocalProtocolError, PoolClosed, raise_kept
from trio_cartesia._pool.connections import Connections
from trio_cartesia._pool.fair_queue import FairQueue, Ticket
from trio_cartesia._pool.settings import PoolSettings
from trio_cartesia._pool.slots import Lease
from trio_cartesia._pool.statistics import PoolCounters, PoolStatistics, Reason
from trio_cartesia._pool.unconnected import unconnected_contexts
from trio_cartesia._pool.working_limit import WorkingLimit
from trio_cartesia._runtime.connection import Connection
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.managers import Manager

__all__ = ["Admission", "ContextTicket"]


@attrs.define(eq=False)
class ContextTicket(Ticket):
    """The place of one context in the queue.

    Attributes:
        since: When it began to wait, on Trio's clock.
        was_admitted: True once its context was granted a lease, so that draining does not end it.
        lease: The lease that it was granted, or None.
        error: The reason for which it gets none.
        settled: Set once there is a lease or an error.
    """

    since: float = math.nan
    was_admitted: bool = False
    lease: Lease | None = None
    error: Exception | None = None
    settled: trio.Event = attrs.field(factory=trio.Event)

    def wait_again(self) -> None:
        """Begin to wait."""
        self.since, self.lease, self.settled = trio.current_time(), None, trio.Event()

    def grant(self, lease: Lease) -> None:
        """End the wait with a lease."""
        self.lease, self.was_admitted = lease, True
        self.settled.set()

    def refuse(self, error: Exception) -> None:
        """End the wait with an error."""
        self.error = error
        self.settled.set()


@attrs.define(eq=False)
class Admission:
    """Grants leases to the tickets that wait, in order.

    A lease is granted when the working limit allows it and a connection can carry the context, so
    all tickets wait for the same reason, and none overtakes another.

    Attributes:
        nursery: For tasks of the pool.
        unconnected: The table of the contexts that are on no connection.
        counters: Totals of the pool.
        connections: The connections on which contexts are opened.
        limit: The working limit.
        is_draining: True once no new context is admitted.
        is_over: True once the pool's block has ended.
    """

    _settings: PoolSettings
    nursery: trio.Nursery = attrs.field(init=False)
    unconnected: ContextTable = attrs.field(init=False)
    counters: PoolCounters = attrs.field(factory=PoolCounters, init=False)
    connections: Connections = attrs.field(init=False)
    limit: WorkingLimit = attrs.field(init=False)
    is_draining: bool = attrs.field(default=False, init=False)
    is_over: bool = attrs.field(default=False, init=False)
    _queue: FairQueue[ContextTicket] = attrs.field(factory=FairQueue, init=False)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _out_since: float = attrs.field(factory=trio.current_time, init=False)  # of connections

    def __attrs_post_init__(self) -> None:
        self.connections = Connections(self.counters, self.note_change, self._refuse_all)
        self.limit = WorkingLimit(self._settings.max_contexts)

    def new_ticket(self, priority: int) -> ContextTicket:
        """Return a ticket that goes behind all others of its priority.

        Raises:
            PoolClosed: The pool admits no more contexts.
        """
        if self.is_draining:
            raise self._closed()
        return ContextTicket(priority, next(self._numbers))

    @enable_ki_protection
    async def acquire(self, ticket: ContextTicket) -> Lease:
        """Wait for a lease, in the ticket's turn; if cancelled, none is taken.

        Raises:
            PoolClosed: The pool admits no more contexts.
            Exception: The reason for which there is no connection.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self.is_over or (self.is_draining and not ticket.was_admitted):
            raise self._closed()
        ticket.wait_again()
        self._queue.enter(ticket)
        self._grant()
        self.note_change()  # there may be another deadline
        is_settled = False
        try:
            await ticket.settled.wait()
            is_settled = True
        finally:
            self._queue.leave(ticket)
            if ticket.lease is not None and not is_settled:
                ticket.lease.release()
        if ticket.lease is None:
            assert ticket.error is not None
            raise_kept(ticket.error)
        return ticket.lease

    def leave(self, ticket: ContextTicket) -> None:
        """Remove a ticket from the queue, if it is there, because its task is being cancelled."""
        self._queue.leave(ticket)

    def note_refusal(self) -> None:
        """Note that the service refused a context, whose lease is free, with 429."""
        jitter = random.random()  # noqa: S311  # not for secrets
        self.limit.refuse(self.connections.open_contexts, trio.current_time(), jitter)

    def check_characters(self, characters: int) -> None:
        """Check that so much text may be sent.

        Raises:
            LocalProtocolError: It is more than the pool may send.
        """
        most, sent = self._settings.max_characters, self.counters.characters_sent
        if most is not None and sent + characters > most:
            raise LocalProtocolError(
                f"{characters} characters more than the {sent} that the pool has sent exceed its "
                f"max_characters={most}"
            )

    # -- for the pool

    def start(self, connect: Callable[[], Manager[Connection]], nursery: trio.Nursery) -> None:
        """Start the tasks of the pool in *nursery*; *connect* makes a connection."""
        self.nursery, self.unconnected = nursery, unconnected_contexts(nursery)
        self.connections.start(self._settings.max_connections, connect, nursery)
        nursery.start_soon(self.run)

    def stop_admitting(self) -> None:
        """Refuse tickets that wait for their first lease, and later ones."""
        self.is_draining = True
        self._refuse([ticket for ticket in self._queue if not ticket.was_admitted], self._closed())

    def close(self) -> None:
        """Refuse all tickets, and end the contexts that wait."""
        self.is_draining = self.is_over = True
        self._refuse_all(self._closed())
        self.unconnected.session.lose(ConnectionLost("the pool's block has ended"))

    def note_change(self) -> None:
        """Schedule another look at the tickets that wait."""
        self._changed.set()

    async def wait_change(self) -> None:
        """Return when a lease was released, among other things."""
        await self._changed.wait()

    @enable_ki_protection
    async def run(self) -> None:
        """Do what is due, forever."""
        while True:
            self._changed, now = trio.Event(), trio.current_time()
            self.limit.advance(now)
            self._release_expired(now)
            self._end_waits(now)
            self._grant()
            with trio.move_on_at(self._next_deadline(now)):
                await self._changed.wait()

    def statistics(self, **of_contexts: int) -> PoolStatistics:
        """Return a snapshot of the numbers, with those *of_contexts* in their blocks."""
        now, connections, most = trio.current_time(), self.connections, self._settings
        return PoolStatistics(
            waiting=len(self._queue),
            waiting_for=self._reason(now),
            longest_wait_seconds=max((now - ticket.since for ticket in self._queue), default=0.0),
            max_contexts=most.max_contexts,
            working_limit=self.limit.current,
            contexts_open=connections.open_contexts,
            contexts_draining=sum(each.expires_at < math.inf for each in connections.leases()),
            contexts_limited=self.limit.refusals,
            max_characters=most.max_characters,
            connections_open=connections.usable_count,
            max_connections=most.max_connections,
            failures_in_a_row=connections.breaker.failures,
            is_breaker_open=connections.breaker.is_open,
            is_draining=self.is_draining,
            **attrs.asdict(self.counters),
            **of_contexts,
        )

    # -- inside

    def _reason(self, now: float) -> Reason | None:
        if not self._queue:
            return None
        open_contexts = self.connections.open_contexts
        if self.limit.allows(open_contexts, now):
            return "connection"
        return "place" if open_contexts >= self._settings.max_contexts else "limit"

    def _next_deadline(self, now: float) -> float:
        overdue = map(self._overdue_at, self._queue)
        expiry = (lease.expires_at for lease in self.connections.leases())
        return min(self.limit.next_change(now), *overdue, *expiry, math.inf)

    def _grant(self) -> None:
        connections, now = self.connections, trio.current_time()
        while self._queue and self.limit.allows(connections.open_contexts, now):
            if (lease := connections.lease()) is None:
                return
            self._queue.pop().grant(lease)

    def _release_expired(self, now: float) -> None:
        """Release the leases of cancelled contexts that the service has not ended in time."""
        for lease in self.connections.leases():
            if now >= lease.expires_at:
                self.counters.ends_missed += 1
                lease.release()

    def _end_waits(self, now: float) -> None:
        """Refuse tickets that have waited for a connection for too long."""
        connections = self.connections
        self._out_since = math.inf if connections.usable_count else min(self._out_since, now)
        overdue = [ticket for ticket in self._queue if now >= self._overdue_at(ticket)]
        self._refuse(overdue, connections.outage_error(self._settings.outage_seconds))

    def _overdue_at(self, ticket: ContextTicket) -> float:
        return max(ticket.since, self._out_since) + self._settings.outage_seconds

    def _refuse_all(self, error: Exception) -> None:
        self._refuse(list(self._queue), error)

    def _refuse(self, tickets: list[ContextTicket], error: Exception) -> None:
        for ticket in tickets:
            self._queue.leave(ticket)
            ticket.refuse(error)

    def _closed(self) -> PoolClosed:
        return PoolClosed("the pool's block has ended" if self.is_over else "the pool is draining")

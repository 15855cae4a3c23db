"""One connection of a pool: opened when it is needed, and replaced when it is lost or idle."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._pool.statistics import PoolCounters
from trio_cartesia._protocol.base.backoff import PROBATION_SECONDS, STABLE_SECONDS, Breaker
from trio_cartesia._protocol.tts.tombstones import DRAINING_SECONDS
from trio_cartesia._runtime.connection import Connection
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.managers import Manager
from trio_cartesia._runtime.session import Session

__all__ = ["IDLE_SECONDS", "Lease", "Slot", "SlotOwner"]

IDLE_SECONDS: Final = 270.0  # the service closes a connection after 300 (protocol §1.8)
LEASED_SECONDS: Final = 5.0  # until an idle connection that carries contexts is looked at again

_log: Final = logging.getLogger("trio_cartesia.pool")


class SlotOwner(Protocol):
    """What the connections of a pool have in common."""

    counters: PoolCounters
    breaker: Breaker
    note_change: Callable[[], None]

    def note_failure(self, error: Exception) -> bool:
        """Note that no connection was made; return whether to try again without being asked."""


@attrs.define(eq=False)
class Lease:
    """The right of one context to be open on a connection; it counts until it is released.

    Attributes:
        table: The table in which the context is to be opened.
        context_id: The id of the context once it is open; the lease is released when it ends.
        expires_at: The time at which the lease is released even if the context has not ended.
    """

    table: ContextTable
    _slot: Slot
    context_id: str = attrs.field(default="", init=False)
    expires_at: float = attrs.field(default=math.inf, init=False)

    def carry(self, context_id: str) -> None:
        """Note that the context was opened."""
        self.context_id = context_id
        self._slot.leases_by_id[context_id] = self

    def expect_end(self) -> None:
        """Note that the context was cancelled, so that its end is near."""
        self.expires_at = min(self.expires_at, trio.current_time() + DRAINING_SECONDS)
        self._slot.note_change()

    @property
    def is_released(self) -> bool:
        """True once another context may be opened instead."""
        return self not in self._slot.leases

    def release(self) -> None:
        """Release the lease, if it was not released."""
        self._slot.release(self)


@attrs.define(eq=False)
class Slot:
    """Keeps a connection open while it is needed.

    The connection of a pool's first slot is always needed, so that a context finds a warm
    connection, unless the service refuses it for good. Those of other slots are needed from when
    there are more contexts than connections until they are idle, lost or cannot be made.

    Attributes:
        leases: The leases of the connection.
        leases_by_id: Those with a context.
    """

    _owner: SlotOwner
    _connect: Callable[[], Manager[Connection]]
    _is_first: bool = attrs.field(kw_only=True)
    leases: set[Lease] = attrs.field(factory=set, init=False)
    leases_by_id: dict[str, Lease] = attrs.field(factory=dict, init=False)
    _table: ContextTable | None = attrs.field(default=None, init=False)
    _wanted: trio.Event = attrs.field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        if self._is_first:
            self._wanted.set()

    @property
    def is_wanted(self) -> bool:
        """True while there is a connection, or one is to be made."""
        return self._wanted.is_set()

    @property
    def is_usable(self) -> bool:
        """True while contexts can be opened on it."""
        return self._table is not None and self._table.session.can_send

    def want(self) -> None:
        """Open a connection, if there is none."""
        self._wanted.set()

    def lease(self) -> Lease:
        """Return a lease on the connection, which `is_usable`."""
        assert self._table is not None
        lease = Lease(self._table, self)
        self.leases.add(lease)
        return lease

    def release(self, lease: Lease) -> None:
        """Release a lease, if it was not released."""
        if lease in self.leases:
            self.leases.remove(lease)
            self.leases_by_id.pop(lease.context_id, None)
            self.note_change()

    def note_change(self) -> None:
        """Note that a lease was released, or is about to be."""
        self._owner.note_change()

    @enable_ki_protection
    async def run(self) -> None:
        """Keep a connection open while it is needed, forever."""
        while True:
            await self._wanted.wait()
            await trio.sleep_until(self._owner.breaker.retry_at)
            is_open = False
            try:
                async with self._connect() as connection:
                    is_open = True
                    await self._keep(connection._contexts)
            except Exception as error:  # of open_stream, too, which is the user's
                if is_open:
                    raise
                self._owner.counters.connect_failures += 1
                self._fail(error)
            if not self._is_first:
                self._wanted = trio.Event()

    async def _keep(self, table: ContextTable) -> None:
        """Return when the connection is lost, or has been idle for too long."""
        session, lost, opened_at = table.session, trio.Event(), trio.current_time()
        session.start_soon(partial(_set_at_the_end, lost))
        table.protocol.on_end = self._note_end
        counters = self._owner.counters
        counters.connections_opened += 1
        if self._owner.breaker.is_open:
            await _wait_until(opened_at + PROBATION_SECONDS, lost)
        if session.loss is None:
            await self._carry_contexts(table, opened_at + STABLE_SECONDS, lost)
        if session.loss is None:
            counters.connections_replaced += 1
        else:
            counters.connections_lost += 1
            if trio.current_time() < opened_at + STABLE_SECONDS:
                self._fail(session.loss)

    async def _carry_contexts(
        self, table: ContextTable, stable_at: float, lost: trio.Event
    ) -> None:
        self._table = table
        self.note_change()
        try:
            await _wait_until(stable_at, lost)
            if table.session.loss is None:
                self._owner.breaker.succeed()
                await self._wait_idle(table.session, lost)
        finally:
            self._table = None
            for lease in list(self.leases):
                self.release(lease)
            self.note_change()

    async def _wait_idle(self, session: Session, lost: trio.Event) -> None:
        """Return when the connection is lost, or carries nothing and is about to idle out."""
        while session.loss is None:
            now = trio.current_time()
            idle_at = max(session.received_at, session.sent_at) + IDLE_SECONDS
            if now >= idle_at and not self.leases:
                return
            await _wait_until(max(idle_at, now + LEASED_SECONDS), lost)

    def _fail(self, error: Exception) -> None:
        _log.debug("no connection: %s", type(error).__name__)
        jitter = random.random()  # noqa: S311  # not for secrets
        self._owner.breaker.fail(trio.current_time(), jitter)
        if not self._owner.note_failure(error):
            self._wanted = trio.Event()

    def _note_end(self, context_id: str) -> None:
        if (lease := self.leases_by_id.get(context_id)) is not None:
            self.release(lease)


async def _set_at_the_end(ended: trio.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        ended.set()


async def _wait_until(deadline: float, event: trio.Event) -> None:
    with trio.move_on_at(deadline):
        await event.wait()

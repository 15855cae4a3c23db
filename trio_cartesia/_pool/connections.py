"""The connections of a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import trio

from trio_cartesia._errors import ConnectFailed
from trio_cartesia._pool.slots import Lease, Slot
from trio_cartesia._pool.statistics import PoolCounters
from trio_cartesia._protocol.base.backoff import Breaker, may_retry
from trio_cartesia._runtime.connection import Connection
from trio_cartesia._runtime.managers import Manager

__all__ = ["Connections"]


@attrs.define(eq=False)
class Connections:
    """The slots of a pool, the first of which always keeps a connection open.

    Attributes:
        counters: Totals of the pool.
        breaker: Decides when to connect again.
        note_change: Called when a connection was made or lost, or a lease was released.
    """

    counters: PoolCounters
    breaker: Breaker = attrs.field(factory=Breaker, init=False)
    note_change: Callable[[], None]
    _refuse_all: Callable[[Exception], None]
    _slots: list[Slot] = attrs.field(factory=list, init=False)
    _last_error: Exception | None = attrs.field(default=None, init=False)

    def start(
        self, count: int, connect: Callable[[], Manager[Connection]], nursery: trio.Nursery
    ) -> None:
        """Start the tasks that keep up to *count* connections open."""
        for number in range(count):
            slot = Slot(self, connect, is_first=number == 0)
            self._slots.append(slot)
            nursery.start_soon(slot.run)

    @property
    def usable_count(self) -> int:
        """The number of connections on which contexts can be opened."""
        return sum(slot.is_usable for slot in self._slots)

    @property
    def open_contexts(self) -> int:
        """The number of contexts that count for the plan."""
        return sum(len(slot.leases) for slot in self._slots)

    def leases(self) -> Iterator[Lease]:
        """Yield the leases of all connections, which may be released meanwhile."""
        for slot in self._slots:
            yield from list(slot.leases)

    def lease(self) -> Lease | None:
        """Return a lease on the connection with the fewest contexts, or None if there is none.

        If each connection carries some, another one is made for later contexts.
        """
        usable = [slot for slot in self._slots if slot.is_usable]
        if not usable:
            self._slots[0].want()
            return None
        slot = min(usable, key=lambda slot: len(slot.leases))
        if slot.leases and not self.breaker.failures:
            for unwanted in [slot for slot in self._slots if not slot.is_wanted][:1]:
                unwanted.want()
        return slot.lease()

    def note_failure(self, error: Exception) -> bool:
        """Note that no connection was made; return whether to try again without being asked."""
        self._last_error = error
        if may_retry(error):
            return True
        if not self.usable_count:
            self._refuse_all(error)
        return False

    def outage_error(self, seconds: float) -> Exception:
        """Return the reason for which there has been no connection for *seconds*."""
        if self._last_error is not None:
            return self._last_error
        return ConnectFailed(f"no connection was made within {seconds:g} seconds")

"""The queue of contexts that wait to be opened."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

import attrs

__all__ = ["FairQueue", "Ticket"]


@attrs.define(eq=False)
class Ticket:
    """An entry of a `FairQueue`.

    Attributes:
        priority: Higher ones go first.
        number: Of two with the same priority, the lower number goes first.
    """

    priority: int
    number: int

    @property
    def order(self) -> tuple[int, int]:
        """The sort key."""
        return -self.priority, self.number


T = TypeVar("T", bound=Ticket)


@attrs.define(eq=False)
class FairQueue(Generic[T]):
    """Tickets by priority, and first come, first served within one.

    A ticket that returns to the queue, because its context was refused or lost, keeps its number
    and is ahead of all later ones.
    """

    _waiting: list[T] = attrs.field(factory=list, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[T]:
        return iter(self._waiting)

    def enter(self, ticket: T) -> None:
        """Add *ticket*, which is not in the queue."""
        insort(self._waiting, ticket, key=_order)

    def leave(self, ticket: T) -> None:
        """Remove *ticket*; nothing happens if it is not in the queue."""
        index = bisect_left(self._waiting, ticket.order, key=_order)
        if index < len(self._waiting) and self._waiting[index] is ticket:
            del self._waiting[index]

    def pop(self) -> T:
        """Remove and return the next ticket."""
        return self._waiting.pop(0)


def _order(ticket: Ticket) -> tuple[int, int]:
    return ticket.order

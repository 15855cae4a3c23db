"""Cancelled contexts that were left while their last events may still come."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import attrs

__all__ = ["DRAINING_MOST", "DRAINING_SECONDS", "Tombstones"]

DRAINING_MOST: Final = 1024  # tombstones of one connection
DRAINING_SECONDS: Final = 10.0  # how long the end of a cancelled context is waited for (§2.4)


@attrs.define(eq=False)
class Tombstones:
    """Cancelled contexts that have been left, until the service ends them, or for a while."""

    _until: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)

    def __contains__(self, context_id: str) -> bool:
        return context_id in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, context_id: str, now: float) -> None:
        """Expect late events of *context_id*; where there are too many, the oldest one goes."""
        self._until[context_id] = now + DRAINING_SECONDS
        if len(self._until) > DRAINING_MOST:
            self._until.popitem(last=False)

    def remove(self, context_id: str) -> None:
        """Expect nothing more of *context_id*."""
        self._until.pop(context_id, None)

    def prune(self, now: float) -> None:
        """Remove what is too old."""
        while self._until:
            context_id, until = next(iter(self._until.items()))
            if until > now:
                return
            del self._until[context_id]

"""The inbox of a context that goes from one connection to another."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from trio_cartesia._runtime.inbox import ByteCounter, Inbox

__all__ = ["PooledInbox"]


@attrs.define(eq=False)
class PooledInbox(Inbox):
    """An inbox that goes with its context, and outlives the connections that fill it.

    Attributes:
        on_close: Called before it is closed; if it returns True, the inbox stays open.
    """

    on_close: Callable[[BaseException | None], bool] = attrs.field(kw_only=True, repr=False)

    @property
    def has_received(self) -> bool:
        """True once an event has arrived."""
        return self.counter.peak_bytes > 0

    def count_in(self, total: ByteCounter) -> None:
        """Count what waits as held by another connection."""
        held = self.counter.held_bytes
        self._total.held_bytes -= held
        self._total = total
        total.add(held)

    def close(self, error: BaseException | None = None) -> None:
        """End it after what waits, unless the context goes on elsewhere."""
        if self._is_closed or not self.on_close(error):
            super().close(error)

"""When contexts whose text is owed are found to have stalled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

__all__ = ["STALL_SECONDS", "StallWatch"]

STALL_SECONDS: Final = 60.0  # longer than it takes to find out that a peer is gone


@attrs.define(eq=False)
class StallWatch:
    """Sleeps until the first deadline.

    Each message moves deadlines to later, which is found out when the watch wakes; so it costs
    nothing while speech arrives.
    """

    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    def expect(self, deadline: float) -> None:
        """Wake by *deadline*."""
        if deadline < self._scope.deadline:
            self._scope.deadline = deadline

    @enable_ki_protection
    async def watch(
        self, next_deadline: Callable[[], float], fail_stalled: Callable[[float], None]
    ) -> None:
        """Call *fail_stalled* with the time whenever *next_deadline* has passed, forever."""
        while True:
            with trio.CancelScope(deadline=next_deadline()) as self._scope:
                await trio.sleep_forever()
            fail_stalled(trio.current_time())

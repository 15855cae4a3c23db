"""Detect contexts that have sent text and get no more events."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import ContextStalled
from trio_cartesia._protocol.base import checks
from trio_cartesia._runtime.context_entry import ContextEntry

__all__ = ["STALL_SECONDS", "StallSeconds", "StallWatch", "check_stall_seconds"]

STALL_SECONDS: Final = 60.0  # longer than it takes to find out that a peer is gone

_log: Final = logging.getLogger("trio_cartesia.connection")

StallSeconds = float | Literal["inherit"] | None


def check_stall_seconds(stall_seconds: object, *, inherited: float | None = None) -> float:
    """Check and return a stall limit, with infinity for None.

    Args:
        stall_seconds: The argument.
        inherited: The value of ``"inherit"``; None if that is not allowed.

    Raises:
        LocalProtocolError: It is neither None nor a positive number.
    """
    if inherited is not None and stall_seconds == "inherit":
        return inherited
    return checks.positive_or_none(stall_seconds, "stall_seconds")


@attrs.define(eq=False)
class StallWatch:
    """Sleeps until the first deadline, and fails the contexts whose deadline has passed.

    Each message postpones a deadline; the watch notices that only when it wakes, so it costs
    nothing while speech arrives.
    """

    _entries: Mapping[str, ContextEntry]
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    def expect(self, deadline: float) -> None:
        """Wake by *deadline*."""
        if deadline < self._scope.deadline:
            self._scope.deadline = deadline

    @enable_ki_protection
    async def watch(
        self, is_blocked: Callable[[], bool], fail: Callable[[ContextEntry, ContextStalled], None]
    ) -> None:
        """Call *fail* for each context that has stalled, forever.

        No context stalls while *is_blocked*, because then the client itself does not read.
        """
        while True:
            first = min((each.stall_deadline for each in self._entries.values()), default=math.inf)
            with trio.CancelScope(deadline=first) as self._scope:
                await trio.sleep_forever()
            now = trio.current_time()
            for entry in list(self._entries.values()):
                if is_blocked():
                    entry.active_at = now
                if entry.stall_deadline <= now:
                    _log.debug("context %s has stalled", entry.context_id)
                    fail(entry, stalled(entry))


def stalled(entry: ContextEntry) -> ContextStalled:
    """Return the error of a context that has stalled."""
    return ContextStalled(
        f"text was sent, and nothing has come for {entry.stall_seconds:g} seconds",
        context_id=entry.context_id,
    )

"""Limit how far the reader gets ahead of the receive loops."""

from __future__ import annotations

from typing import Final

import attrs
import trio

from trio_cartesia._runtime.inbox import ByteCounter

__all__ = ["AHEAD_BYTES", "IDLE_TURNS", "Pace"]

AHEAD_BYTES: Final = 2**20  # that may wait in all inboxes before consumers are given turns
IDLE_TURNS: Final = 8  # of the scheduler in which nothing is received: consumers are idle


@attrs.define(eq=False)
class Pace:
    """Gives consumers turns of the scheduler, as long as they use them.

    The socket may deliver more in one turn than a consumer receives in one. If the reader continued
    at once, it would fill the inbox of a consumer that is never idle; if it waited for all
    consumers, the slowest would delay the others. So it waits as long as something is received
    every few turns. For consumers that sleep or play, it waits again only after another
    `AHEAD_BYTES` have arrived.
    """

    _waiting: ByteCounter
    _mark_bytes: int = attrs.field(default=AHEAD_BYTES, init=False)

    @property
    def is_ahead(self) -> bool:
        """True once consumers are to be given turns."""
        held = self._waiting.held_bytes
        if held + AHEAD_BYTES < self._mark_bytes:
            self._mark_bytes = held + AHEAD_BYTES
        return held > self._mark_bytes

    async def give_turns(self) -> None:
        """Return once little waits, or nothing was received for `IDLE_TURNS` turns."""
        waiting, idle_turns = self._waiting, 0
        while waiting.held_bytes > AHEAD_BYTES and idle_turns < IDLE_TURNS:
            held = waiting.held_bytes
            await trio.lowlevel.checkpoint()
            idle_turns = idle_turns + 1 if waiting.held_bytes == held else 0
        self._mark_bytes = waiting.held_bytes + AHEAD_BYTES if idle_turns else AHEAD_BYTES

"""The number of contexts that may be open at once; it falls for a while after a 429."""

from __future__ import annotations

import math
from typing import Final

import attrs

from trio_cartesia._protocol.base.backoff import retry_delay

__all__ = [
    "LONGEST_PAUSE_SECONDS",
    "LONGEST_RECOVERY_SECONDS",
    "RECOVERY_SECONDS",
    "WorkingLimit",
]

RECOVERY_SECONDS: Final = 5.0  # after a 429, until one context more is tried
LONGEST_RECOVERY_SECONDS: Final = 60.0
LONGEST_PAUSE_SECONDS: Final = 8.0


@attrs.define
class WorkingLimit:
    """The working limit of a pool; time is an argument.

    A refusal means that the account allows no more contexts than are open now, possibly because
    other programs use it too. The limit falls to that number, and rises again by one after
    `RECOVERY_SECONDS`. If a context is refused after a rise, the next rises take twice as long, up
    to a bound, until the full number was not refused for a minute. If the pool has no open context
    whose end could make room, there is a pause instead, which is jittered and grows.

    Attributes:
        most: The number to which it rises.
        current: The present limit, at least 1.
        refusals: The number of contexts that the service has refused.
        paused_until: The time before which no context is opened.
    """

    most: int
    current: int = attrs.field(init=False)
    refusals: int = attrs.field(default=0, init=False)
    paused_until: float = attrs.field(default=-math.inf, init=False)
    _recover_at: float = attrs.field(default=math.inf, init=False)
    _recovery_seconds: float = attrs.field(default=RECOVERY_SECONDS, init=False)
    _has_risen: bool = attrs.field(default=False, init=False)  # since the last refusal
    _full_at: float = attrs.field(default=-math.inf, init=False)  # since when it is what it can be
    _pauses: int = attrs.field(default=0, init=False)  # in a row

    def __attrs_post_init__(self) -> None:
        self.current = self.most

    def refuse(self, others: int, now: float, jitter: float) -> None:
        """Note that the service refused a context while *others* of the pool were open."""
        self.refusals += 1
        self.current = max(1, min(self.current, others))
        if now >= self._full_at + LONGEST_RECOVERY_SECONDS:
            self._recovery_seconds = RECOVERY_SECONDS
        elif self._has_risen:
            self._recovery_seconds = min(2 * self._recovery_seconds, LONGEST_RECOVERY_SECONDS)
        self._recover_at, self._has_risen = now + self._recovery_seconds, False
        self._full_at = math.inf
        if others == 0:
            self.paused_until = now + retry_delay(self._pauses, jitter, LONGEST_PAUSE_SECONDS)
            self._pauses += 1

    def accept(self) -> None:
        """Note that the service has spoken a context."""
        self._pauses = 0

    def allows(self, open_contexts: int, now: float) -> bool:
        """Return whether another context may be opened."""
        return open_contexts < self.current and now >= self.paused_until

    def advance(self, now: float) -> None:
        """Raise the limit as far as is due."""
        while now >= self._recover_at:
            self.current, self._has_risen = min(self.current + 1, self.most), True
            risen_at, self._recover_at = self._recover_at, self._recover_at + self._recovery_seconds
            if self.current == self.most:
                self._full_at, self._recover_at = risen_at, math.inf

    def next_change(self, now: float) -> float:
        """Return the time at which more will be allowed without any event."""
        return min(self._recover_at, self.paused_until if now < self.paused_until else math.inf)

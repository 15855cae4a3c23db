"""When to connect again: delays, jittered and bounded, a circuit breaker, and what is final."""

from __future__ import annotations

import math
from typing import Final

import attrs

from trio_cartesia._errors import (
    AuthenticationFailed,
    BadRequest,
    CartesiaError,
    LocalProtocolError,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
)

__all__ = [
    "BREAKER_FAILURES",
    "LONGEST_DELAY_SECONDS",
    "PROBATION_SECONDS",
    "STABLE_SECONDS",
    "Breaker",
    "may_retry",
    "retry_delay",
]

FIRST_DELAY_SECONDS: Final = 0.5
LONGEST_DELAY_SECONDS: Final = 10.0
STABLE_SECONDS: Final = 5.0  # a connection that is lost sooner counts as a failure to connect
BREAKER_FAILURES: Final = 3  # in a row
PROBATION_SECONDS: Final = 1.0  # for a connection after so many, until contexts are put on it

_FINAL: Final = (
    AuthenticationFailed,
    BadRequest,
    LocalProtocolError,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
)


def may_retry(error: BaseException | None) -> bool:
    """Return whether another attempt may succeed after *error*."""
    return isinstance(error, CartesiaError) and not isinstance(error, _FINAL)


def retry_delay(
    attempt: int, jitter: float, longest_seconds: float = LONGEST_DELAY_SECONDS
) -> float:
    """Return the seconds to wait before an attempt.

    Args:
        attempt: 0 for the first retry; each further one waits twice as long.
        jitter: From 0 to 1; shortens the delay by up to a half, so that clients that failed
            together do not connect together.
        longest_seconds: The longest delay.
    """
    delay_seconds = FIRST_DELAY_SECONDS * 2.0 ** min(attempt, 32)
    return min(delay_seconds, longest_seconds) * (1 - jitter / 2)


@attrs.define
class Breaker:
    """Decides when to connect again, and whether a new connection is used at once.

    A service that accepts connections and closes them at once would cut short each context that is
    opened on them. Therefore a connection that is lost within `STABLE_SECONDS`
    counts as a failure, and after `BREAKER_FAILURES` in a row the breaker is open: a new connection
    must last for `PROBATION_SECONDS` before it is used.

    Attributes:
        failures: The number of failures in a row.
        retry_at: The time at which to connect again.
    """

    failures: int = 0
    retry_at: float = -math.inf

    @property
    def is_open(self) -> bool:
        """True after too many failures in a row."""
        return self.failures >= BREAKER_FAILURES

    def fail(self, now: float, jitter: float) -> None:
        """Note that no connection was made, or that one was lost at once."""
        self.retry_at = now + retry_delay(self.failures, jitter)
        self.failures += 1

    def succeed(self) -> None:
        """Note that a connection has lasted for `STABLE_SECONDS`; its loss is no failure."""
        self.failures, self.retry_at = 0, -math.inf

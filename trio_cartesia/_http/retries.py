"""Which failed requests are sent again, and when (protocol §1.7.5).

A POST may have been carried out, and billed, once it was written. So it is sent again only where
the service refused it with 429, or where it was not written at all. Other methods of this API can
be repeated without harm.
"""

from __future__ import annotations

import random
import time
from email.utils import parsedate_to_datetime
from typing import Final

from trio_cartesia._errors import CartesiaError, ConnectFailed, ConnectionLost, RequestFailed

__all__ = ["LONGEST_WAIT_SECONDS", "MAX_RETRIES", "retry_delay", "seconds_until"]

MAX_RETRIES: Final = 2
FIRST_DELAY_SECONDS: Final = 0.5
LONGEST_DELAY_SECONDS: Final = 8.0
LONGEST_WAIT_SECONDS: Final = 60.0  # that the service may request; beyond it, the caller decides


def retry_delay(
    error: CartesiaError, *, method: str, attempt: int, max_retries: int, retry_written: bool
) -> float | None:
    """Return the seconds after which to send a request again, or None to raise *error*.

    Args:
        error: What the attempt failed with.
        method: Of the request.
        attempt: 0 for the first one.
        max_retries: The most attempts after the first one.
        retry_written: Whether a POST may be repeated although it may have been carried out.
    """
    if attempt >= max_retries or not _may_repeat(error, retry_written or method != "POST"):
        return None
    wait = error.retry_after_seconds if isinstance(error, RequestFailed) else None
    if wait is not None:
        return wait if wait <= LONGEST_WAIT_SECONDS else None
    delay = min(FIRST_DELAY_SECONDS * 2.0**attempt, LONGEST_DELAY_SECONDS)
    return delay * random.uniform(0.75, 1)  # noqa: S311  # so that clients do not come at once


def _may_repeat(error: CartesiaError, is_repeatable: bool) -> bool:
    if isinstance(error, ConnectFailed):
        return True
    if isinstance(error, ConnectionLost):
        return is_repeatable
    status = error.status_code or 0
    return status == 429 or (is_repeatable and (status == 408 or status >= 500))


def seconds_until(retry_after: str | None) -> str | None:
    """Return a ``Retry-After`` header as a number of seconds; a date is counted from now."""
    if retry_after is None or not retry_after.strip().endswith("GMT"):
        return retry_after
    try:
        moment = parsedate_to_datetime(retry_after).timestamp()
    except (ValueError, OverflowError):
        return None
    return str(max(moment - time.time(), 0.0))

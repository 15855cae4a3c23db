"""Failures of the database, which end a request and never the service."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["report_failures"]

logger = logging.getLogger("trio_cartesia.server")


@contextmanager
def report_failures() -> Iterator[None]:
    """Raise a failure of the database in the block as an error of the request, and log it.

    Raises:
        APIError: With status 500; its message has SQLite's words, which name no values.
    """
    try:
        yield
    except sqlite3.Error as error:
        logger.error("the store failed: %s", error)  # noqa: TRY400  # one line is enough
        message = f"The store of the local service failed: {error}. Check its file and its disk."
        body = ErrorBody(status=500, title="Internal server error", message=message)
        raise APIError(body) from error

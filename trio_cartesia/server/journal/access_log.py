"""
What the log says of requests and contexts: a line each, that fits a terminal of 80 columns.

Ids, counts, sizes and durations only; texts, credentials and queries never come here. A line starts
with the first eight characters of the request id, as in the answer's ``X-Request-ID``: contexts of
one WebSocket have that of its handshake.
"""

from __future__ import annotations

import logging
from typing import Final

from trio_cartesia.server.journal.records import ContextRecord, shown_path

__all__ = ["log_context", "log_error", "log_request"]

logger = logging.getLogger("trio_cartesia.server")

UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def log_request(
    request_id: str, method: str, path: str, *, status: int, size_bytes: int, seconds: float
) -> None:
    """
    Tell what was answered, and how long after the request was read.

    The size of a body that is streamed is not known yet; it is 0.
    """
    logger.info(
        "%-8s %-27s %9s %8s  %d",
        *(request_id[:8], _plain(f"{method} {shown_path(path)}" if path != "-" else "-", 27)),
        *(_size(size_bytes), _duration(seconds), status),
    )


def log_context(record: ContextRecord) -> None:
    """
    Tell how a context ended, how much it said and how soon it began.
    """
    first = record.first_chunk_seconds
    begun = "" if first is None else f"first {_duration(first)}"
    logger.info(
        "%-8s %-18s %8.2f s %16s  %s",
        *(record.request_id[:8], _plain(record.context_id, 18)),
        *(record.audio_seconds, begun, _end(record)),
    )


def log_error(request_id: str, context_id: str | None, status: int, title: str) -> None:
    """
    Tell that a message was refused, and why in the service's own words.
    """
    logger.info(
        "%-8s %-18s %d %s", request_id[:8], _plain(context_id or "-", 18), status, title[:40]
    )


def _end(record: ContextRecord) -> str:
    if record.ended == "done" or record.generated_characters >= record.characters:
        return f"{record.ended}"
    return f"{record.ended} {100 * record.generated_characters / record.characters:.0f}%"


def _plain(name: str, width: int) -> str:
    """
    Return *name* for one line of a terminal: in ASCII, and not too long.
    """
    text = name[:width].encode("unicode_escape").decode("ascii")
    return text if len(text) <= width and len(name) <= width else f"{text[: width - 2]}.."


def _size(size_bytes: float) -> str:
    for unit in UNITS[:-1]:
        if size_bytes < 1000:
            return f"{size_bytes:.0f} B" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} {UNITS[-1]}"


def _duration(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"

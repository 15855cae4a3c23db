"""The access log: a line for each request and each context, for terminals of 80 columns.

A line has ids, counts, sizes and durations; texts, credentials and queries are never logged. It
starts with the first eight characters of the request id, which is the response's ``X-Request-ID``;
for contexts of a WebSocket it is that of the handshake.
"""

from __future__ import annotations

import codecs
import logging
from typing import Final

from trio_cartesia.server.journal.records import ContextRecord, loggable_path
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord

__all__ = ["log_context", "log_error", "log_request", "log_transcription"]

logger = logging.getLogger("trio_cartesia.server")

UNITS: Final = ("B", "kB", "MB", "GB", "TB")

# The first use of a codec imports its module, which fails when the process is out of files.
codecs.lookup("unicode_escape")


def log_request(
    request_id: str, method: str, path: str, *, status: int, size_bytes: int, seconds: float
) -> None:
    """Log a response, and the time since the request was read.

    *size_bytes* is 0 where the size of the body is not known.
    """
    shown = loggable_path(path)
    logger.info(
        "%-8s %-27s %9s %8s  %d",
        *(request_id[:8], _printable("-" if path == "-" else f"{method} {shown}", 27)),
        *(_size(size_bytes), _duration(seconds), status),
    )


def log_context(record: ContextRecord) -> None:
    """Log how a context ended, the length of its audio and the time to its first chunk."""
    first = record.first_chunk_seconds
    begun = "" if first is None else f"first {_duration(first)}"
    logger.info(
        "%-8s %-18s %8.2f s %16s  %s",
        *(record.request_id[:8], _printable(record.context_id, 18)),
        *(record.audio_seconds, begun, _end(record)),
    )


def log_transcription(record: TranscriptionRecord) -> None:
    """Log how a stream of speech to text ended, the length of its audio and that of its text."""
    logger.info(
        "%-8s %-20s %8.2f s %14s  %s",
        *(record.request_id[:8], _printable(record.path, 20)),
        *(record.audio_seconds, f"{record.characters} characters"[:14], record.ended),
    )


def log_error(request_id: str, context_id: str | None, status: int, title: str) -> None:
    """Log that a message was refused, with the title of the error."""
    logger.info(
        "%-8s %-18s %d %s", request_id[:8], _printable(context_id or "-", 18), status, title[:40]
    )


def _end(record: ContextRecord) -> str:
    if record.ended == "done" or record.generated_characters >= record.characters:
        return f"{record.ended}"
    return f"{record.ended} {100 * record.generated_characters / record.characters:.0f}%"


def _printable(name: str, width: int) -> str:
    """Return *name* in ASCII, cut to *width* characters."""
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

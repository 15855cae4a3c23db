"""Byte ranges of a response (RFC 9110 §14): one range; several are answered with the whole."""

from __future__ import annotations

import re
from typing import Final

from trio_cartesia.server.net.requests import HTTPError, Request

__all__ = ["requested_range"]

_RANGE: Final = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.IGNORECASE)


def requested_range(request: Request, size: int) -> range | None:
    """Return the bytes that *request* asks for of *size*; None for all of them.

    ``If-Range`` is not supported, so with it the response is the whole.

    Raises:
        HTTPError: With 416 if none of the bytes exists.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or "if-range" in request.headers:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        found = range(max(0, size - int(suffix)), size)
    elif last and int(last) < int(first):
        return None
    else:
        found = range(int(first), min(size, int(last) + 1) if last else size)
    if not found:
        message = f"The range must begin within the {size} bytes of the file."
        raise HTTPError(416, message, [("content-range", f"bytes */{size}")])
    return found

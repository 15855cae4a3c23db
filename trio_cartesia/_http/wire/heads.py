"""Headers that are added to a request on its way to the network.

The HTTP library keeps the headers that it is given in local variables. A tool that prints local
variables beside a traceback would print the API key with them. So it is given a mark instead.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import attrs

from trio_cartesia._protocol.base.credentials import Headers

__all__ = ["Heads"]

NAME: Final = b"Trio-Cartesia-Head"


@attrs.define(eq=False, repr=False)
class Heads:
    """The headers of requests that are being sent, by the marks in their places."""

    _headers: dict[bytes, Headers] = attrs.field(factory=dict, init=False)

    @contextmanager
    def held(self, headers: Headers) -> Iterator[tuple[bytes, bytes]]:
        """Yield the header that stands for *headers*, while their request is being sent."""
        mark = secrets.token_hex(8).encode()  # nobody can write it into a body
        self._headers[mark] = headers
        try:
            yield NAME, mark
        finally:
            del self._headers[mark]

    def completed(self, data: bytes) -> bytes:
        """Return *data*, the head or some of the body of a request, with the headers in it."""
        before, name, after = data.partition(b"%s: " % NAME)
        mark, line_end, rest = after.partition(b"\r\n")
        if not name or mark not in self._headers:
            return data
        lines = (f"{name}: {value}".encode() for name, value in self._headers[mark])
        return b"".join((before, b"\r\n".join(lines), line_end, rest))

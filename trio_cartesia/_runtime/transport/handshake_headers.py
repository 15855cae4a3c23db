"""The headers of a handshake, added to its request on the way to the network.

trio-websocket keeps the headers that it is given in local variables, and wsproto keeps the request.
A tool that prints local variables beside a traceback would print the API key with them, for example
where a handshake is cancelled and another exception is raised meanwhile. So they are not given any.
"""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia._protocol.base.credentials import Headers

__all__ = ["HandshakeHeaders"]

LINE_END: Final = b"\r\n"


@attrs.frozen(eq=False)
class HandshakeHeaders:
    """Headers that are added to the first request, and that no repr shows."""

    _headers: Headers

    def added_to(self, request: bytes | bytearray | memoryview) -> memoryview:
        """Return *request*, which ends with its head, with the headers in it."""
        lines = (f"{name}: {value}".encode() + LINE_END for name, value in self._headers)
        parts = bytes(request).removesuffix(LINE_END), *lines, LINE_END
        return memoryview(b"".join(parts))  # unlike bytes, its repr does not show its contents

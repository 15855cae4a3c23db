"""The head of the response to a handshake, found in the bytes as they arrive."""

from __future__ import annotations

import re
from typing import Final

import attrs

__all__ = ["HANDSHAKE_BYTES", "ResponseHead"]

HANDSHAKE_BYTES: Final = 65_536  # of the responses to a handshake, with the body of a refusal

_SWITCHING: Final = b"HTTP/1.1 101"
_INFORMATIONAL: Final = b"HTTP/1.1 1"
_HEAD_END: Final = re.compile(rb"\n\r?\n")  # as h11 has it


@attrs.define(eq=False)
class ResponseHead:
    """Withholds informational responses (RFC 9110 §15.2), which trio-websocket takes for refusals.

    Attributes:
        received: What arrived, without informational responses.
        size: How many bytes arrived, with them.
        is_over: True once there was a 101; what follows it is frames.
        after: What arrived behind the 101.
    """

    received: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    size: int = attrs.field(default=0, init=False)
    is_over: bool = attrs.field(default=False, init=False)
    after: bytes = attrs.field(default=b"", init=False, repr=False)
    _is_refused: bool = attrs.field(default=False, init=False)

    def feed(self, data: bytes | bytearray) -> bytes:
        """Take *data*; return what is to be passed on. No data means the end."""
        self.size += len(data)
        self.received += data
        if self._is_refused:
            return bytes(data)
        while (head := _HEAD_END.search(self.received)) and self._is_informational():
            del self.received[: head.end()]
        if head and self.received.startswith(_SWITCHING):
            self.is_over = True
            self.after = bytes(self.received[head.end() :])
            return bytes(self.received[: head.end()])
        if data and self._may_be_1xx():
            return b""  # the head is not whole yet
        self._is_refused = True
        return bytes(self.received)

    def _is_informational(self) -> bool:
        return self._may_be_1xx() and not self.received.startswith(_SWITCHING)

    def _may_be_1xx(self) -> bool:
        return self.received.startswith(_INFORMATIONAL[: len(self.received)])

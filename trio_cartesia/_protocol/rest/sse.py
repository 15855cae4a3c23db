"""Server-sent events from the bytes of a response.

The parser of httpx2 is an asynchronous generator over others that it does not close: a loop that is
left early would leave them to the garbage collector.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia._errors import RemoteProtocolError

__all__ = ["MAX_EVENT_BYTES", "EventStream"]

MAX_EVENT_BYTES: Final = 16 * 2**20  # as a message of a WebSocket

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


@attrs.define(eq=False)
class EventStream:
    """Parses a stream of server-sent events, cut anywhere (WHATWG HTML 9.2.6).

    Only the data of events is of interest: the service's messages name their types themselves.
    """

    _rest: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _searched: int = attrs.field(default=0, init=False)  # bytes of the rest without a line's end
    _data: list[bytes] = attrs.field(factory=list, init=False, repr=False)
    _size: int = attrs.field(default=0, init=False)
    _is_first: bool = attrs.field(default=True, init=False)

    def receive(self, data: bytes) -> list[bytes]:
        """Return the data of each event that *data* completes.

        Raises:
            RemoteProtocolError: An event is larger than `MAX_EVENT_BYTES`.
        """
        self._rest += data
        events = []
        for line in self._lines():
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value[1:] if value[:1] == b" " else value)
                self._size += len(value) + 1  # with its line's end
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data, self._size = [], 0
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise RemoteProtocolError(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        return events

    def _lines(self) -> Iterator[bytes]:
        """Take the whole lines out of the rest; a CR at its end may be half of a CRLF."""
        rest, start, search_from = self._rest, 0, self._searched
        while found := _LINE_END.search(rest, search_from):
            end, search_from = found.span()
            if search_from == len(rest) and rest[end:] == b"\r":
                break
            line = bytes(rest[start:end])
            start = search_from
            if self._is_first:
                line, self._is_first = line.removeprefix(b"\xef\xbb\xbf"), False
            yield line
        del rest[:start]
        self._searched = max(len(rest) - 1, 0)

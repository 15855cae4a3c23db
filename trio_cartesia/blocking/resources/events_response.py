"""`EventsResponse` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.responses import EventsResponse as AsyncEventsResponse
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["EventsResponse"]


@no_public_constructor("client.tts.generate_sse()")
@attrs.define(eq=False, init=False, repr=False)
class EventsResponse(IteratorWrapper[AsyncEventsResponse]):
    """Speech over HTTP as events: an iterator that ends after `Done`.

    The events are those of a WebSocket. Leaving the block early closes the connection, so the
    service stops.
    """

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._inner.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by lower-case name."""
        return self._inner.headers

    @property
    def request_id(self) -> str | None:
        """The service's id of the request, for reports; None if it gave none."""
        return self._inner.request_id

    def __next__(self) -> Event:
        """Return the next event.

        Raises:
            StopIteration: `Done` was returned.
            RequestFailed: The service sent an error.
            ConnectionLost: The response was cut short: it ended without `Done`.
            RemoteProtocolError: An event is not valid.
        """
        item: Event = self._next()
        return item

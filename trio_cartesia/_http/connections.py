"""The connections of a client's block, which are made when the first request is sent."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._runtime.transport.connect import OpenStream

if TYPE_CHECKING:  # loads much, such as httpcore2: not before the first request
    from trio_cartesia._http.requests import Request, ResponseInfo
    from trio_cartesia._http.wire import Wire

__all__ = ["Connections", "HTTPStatistics", "RequestObserver"]


class RequestObserver(Protocol):
    """Watches one request, as a block around it. None of its methods raises."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    def note_response(self, info: ResponseInfo) -> None:
        """Note the head of a response that is no error."""


ObserveRequest = Callable[["Request", str, int], RequestObserver]


@attrs.frozen(kw_only=True)
class HTTPStatistics:
    """The requests of a client over HTTP, at one moment.

    Attributes:
        requests_sent: The attempts to send a request, since the client was created.
        retries: Those of them that followed a failed one.
        connections_open: The connections that are open or being opened, at most
            ``max_connections``.
        connections_idle: Those of them that wait for the next request.
    """

    requests_sent: int
    retries: int
    connections_open: int
    connections_idle: int


@attrs.define(eq=False, kw_only=True)
class Connections:
    """Where requests go, and the connections that are kept for the next one.

    Attributes:
        base_url: Without a slash at its end.
        headers: Makes the headers that every request carries.
        renew: Called with headers whose credential was refused; returns whether there can be
            another one.
        lacks_credential: Whether the service needs a credential, and there is none.
        ssl_context: For TLS; None means the system's authorities.
        open_stream: Makes the stream to a host and port, before TLS.
        max_connections: The most at once; further requests wait for one.
        observe: Called for each request, if it is to be watched, with the base URL and how often
            the request was sent before.
        is_open: Whether the client's block was entered, and is not over.
        requests_sent: As in `HTTPStatistics`.
        retries: Likewise.
    """

    base_url: str
    headers: Callable[[], Awaitable[Headers]] = attrs.field(repr=False)
    renew: Callable[[Headers], bool]
    lacks_credential: bool
    ssl_context: ssl.SSLContext | None
    open_stream: OpenStream
    max_connections: int
    observe: ObserveRequest | None = attrs.field(default=None, init=False, repr=False)
    is_open: bool = attrs.field(default=False, init=False)
    requests_sent: int = attrs.field(default=0, init=False)
    retries: int = attrs.field(default=0, init=False)
    _wire: Wire | None = attrs.field(default=None, init=False)

    def wire(self) -> Wire:
        """Return the connections.

        Raises:
            LocalProtocolError: The client's block was not entered, or has ended; or there is no
                credential.
        """
        if not self.is_open:
            raise LocalProtocolError(
                "requests need the client's block, which keeps connections: use 'async with' "
                "on the Cartesia"
            )
        if self.lacks_credential:
            raise LocalProtocolError(
                f"there is no credential for {self.base_url}: give api_key or token, or set "
                "CARTESIA_API_KEY"
            )
        if self._wire is None:
            from trio_cartesia._http.wire import Wire

            self._wire = Wire(self.open_stream, self.ssl_context, self.max_connections)
        return self._wire

    def statistics(self) -> HTTPStatistics:
        """Return the counts of this moment."""
        is_idle = [] if self._wire is None else self._wire.connections_idle()
        return HTTPStatistics(
            requests_sent=self.requests_sent,
            retries=self.retries,
            connections_open=len(is_idle),
            connections_idle=sum(is_idle),
        )

    async def aclose(self) -> None:
        """Close the connections: the block has ended."""
        self.is_open = False
        wire, self._wire = self._wire, None
        if wire is None:
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await wire.aclose()

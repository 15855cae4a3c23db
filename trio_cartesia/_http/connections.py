"""The connections of a client's block, which are made when the first request is sent."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._runtime.transport.connect import OpenStream

if TYPE_CHECKING:  # loads httpcore2: not before the first request
    from trio_cartesia._http.wire import Wire

__all__ = ["Connections"]


@attrs.define(eq=False, kw_only=True)
class Connections:
    """Where requests go, and the connections that are kept for the next one.

    Attributes:
        base_url: Without a slash at its end.
        headers: Makes the headers that every request carries.
        renew: Called when the credential was refused; returns whether there can be another one.
        ssl_context: For TLS; None means the system's authorities.
        open_stream: Makes the stream to a host and port, before TLS.
        max_connections: The most at once; further requests wait for one.
    """

    base_url: str
    headers: Callable[[], Awaitable[Headers]] = attrs.field(repr=False)
    renew: Callable[[], bool]
    ssl_context: ssl.SSLContext | None
    open_stream: OpenStream
    max_connections: int
    _is_open: bool = attrs.field(default=False, init=False)
    _wire: Wire | None = attrs.field(default=None, init=False)

    def open(self) -> None:
        """Let requests be sent: the client's block was entered."""
        self._is_open = True

    def wire(self) -> Wire:
        """Return the connections.

        Raises:
            LocalProtocolError: The client's block was not entered, or has ended.
        """
        if not self._is_open:
            raise LocalProtocolError(
                "requests need the client's block, which keeps connections: use 'async with' "
                "on the Cartesia"
            )
        if self._wire is None:
            from trio_cartesia._http.wire import Wire

            self._wire = Wire(self.open_stream, self.ssl_context, self.max_connections)
        return self._wire

    async def aclose(self) -> None:
        """Close the connections: the block has ended."""
        self._is_open = False
        wire, self._wire = self._wire, None
        if wire is None:
            await trio.lowlevel.cancel_shielded_checkpoint()
        else:
            await wire.aclose()

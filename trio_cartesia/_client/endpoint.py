"""Where requests and connections go, and what all of them carry."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import trio

from trio_cartesia._client.tokens import TokenSource
from trio_cartesia._http.connections import Connections
from trio_cartesia._protocol.base.addresses import Address, BaseUrl
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._runtime.observer import ObserveConnection
from trio_cartesia._runtime.open_session import OpenTransport
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia._runtime.transport.websocket import open_websocket

if TYPE_CHECKING:  # loaded by the first request over HTTP, or the first session
    from trio_cartesia._http.api import API
    from trio_cartesia._runtime.stt.observer import ObserveSession

__all__ = ["Endpoint", "RequestHeaders"]


@attrs.define(kw_only=True, eq=False)
class RequestHeaders:
    """The headers of a request, with a credential that is valid when it is sent.

    Attributes:
        fixed: With the credential, unless that is renewed.
        tokens: The renewed credential, or None.
    """

    fixed: Headers = attrs.field(repr=False)
    tokens: TokenSource | None

    async def current(self) -> Headers:
        """Return them, after making a new token if need be."""
        if self.tokens is None:
            await trio.lowlevel.checkpoint_if_cancelled()
            return self.fixed
        token = await self.tokens.current()
        return Headers([*self.fixed, ("Authorization", token.authorization)])

    def renew(self, refused: Headers) -> bool:
        """Have the next request use another token than *refused*; return False if it is fixed."""
        if self.tokens is not None:
            self.tokens.discard(refused)
        return self.tokens is not None


@attrs.define(kw_only=True, eq=False)
class Endpoint:
    """The address of the API, and the settings that all requests share.

    Attributes:
        base: For WebSockets.
        connections: For requests over HTTP.
        request_options: The options of requests over HTTP, of which later ones win.
        observe: Called for each connection, if it is to be watched.
        observe_session: Called for each session of speech to text, likewise.
    """

    base: BaseUrl
    connections: Connections
    headers: RequestHeaders
    voice_as_object: bool
    ssl_context: ssl.SSLContext | None
    open_stream: OpenStream
    stall_seconds: float
    request_options: Sequence[Mapping[str, Any]] = attrs.field(default=(), repr=False)
    observe: ObserveConnection | None = None
    observe_session: ObserveSession | None = None

    async def transport_to(self, address: Address) -> OpenTransport:
        """Return what opens a WebSocket to *address*, with a credential that is valid now."""
        return partial(
            open_websocket,
            address,
            headers=await self.headers.current(),
            ssl_context=self.ssl_context,
            open_stream=self.open_stream,
        )

    def api(self) -> API:
        """Return what sends requests over HTTP."""
        from trio_cartesia._http.api import API

        api = API(self.connections, self.voice_as_object)
        for options in self.request_options:
            api = api.with_options(options)
        return api

    def with_options(self, options: Mapping[str, Any]) -> Endpoint:
        """Return one whose requests over HTTP have other options, too.

        Raises:
            LocalProtocolError: One has a wrong type.
        """
        changed = attrs.evolve(self, request_options=(*self.request_options, options))
        changed.api()  # which checks them
        return changed

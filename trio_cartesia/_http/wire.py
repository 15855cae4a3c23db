"""HTTP connections, and the only module that imports httpcore2, the lower half of httpx2.

It speaks HTTP and keeps connections for the next request. It gets streams of ours, so that name
resolution, proxies, TLS and their errors are those of the WebSockets. Its exceptions end here.

The upper half, ``httpx2.AsyncClient``, was measured and left out: what it adds (redirects, cookies,
decompression) is not used here, and it took a quarter of the processor time of a request.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal

import attrs
import httpcore2
import trio

from trio_cartesia._errors import (
    CartesiaError,
    ConnectFailed,
    ConnectionLost,
    InternalError,
    LocalProtocolError,
    RemoteProtocolError,
)
from trio_cartesia._http.heads import Heads
from trio_cartesia._protocol.base.addresses import host_and_port
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._runtime.transport.connect import OpenStream, open_plain, start_tls
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia._runtime.transport.websocket import CONNECT_SECONDS

__all__ = ["KEPT_SECONDS", "Wire", "WireResponse"]

KEPT_SECONDS: Final = 60.0  # after which an idle connection is not used again
JOINED_BYTES: Final = 64 * 2**10  # of a request that are sent in one write

_NO_BODY: Final = ("GET", "HEAD", "DELETE")  # usually

_FAILURES: Final = (httpcore2.NetworkError, httpcore2.ProtocolError)
_BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class _NotConnected(httpcore2.ConnectError):
    """Carries an error of ours through httpcore2, which drops the causes of others."""

    def __init__(self, error: CartesiaError) -> None:
        super().__init__()
        self.error = error


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream of ours, as httpcore2 uses it; the callers' scopes are its only deadlines.

    Writes are joined until there is much to send or the response is read, since the head of a
    request and its body are written apart.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        peer: str,
        heads: Heads,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._stream, self._peer, self._ssl_context = stream, peer, ssl_context
        self._heads = heads
        self._is_readable = getattr(stream, "is_readable", bool)
        self._unsent = bytearray()
        self.has_ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        with suppress(httpcore2.WriteError):  # the peer may have answered before it left
            await self._send()
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except _BROKEN as error:
            raise httpcore2.ReadError from error
        self.has_ended = not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        self._unsent += self._heads.completed(buffer)
        if len(self._unsent) >= JOINED_BYTES:
            await self._send()

    async def _send(self) -> None:
        unsent, self._unsent = memoryview(self._unsent), bytearray()  # no repr shows what is in it
        try:
            if unsent:
                await self._stream.send_all(unsent)
        except _BROKEN as error:
            raise httpcore2.WriteError from error

    async def aclose(self) -> None:
        # a polite end of TLS would wait for the peer, under a shield of httpcore2
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002  # see `Wire`
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> _Stream:
        context = self._ssl_context or default_context()
        try:
            with trio.move_on_after(CONNECT_SECONDS):
                stream = await start_tls(self._stream, context, server_hostname or "", self._peer)
                secured = _Stream(stream, self._peer, self._heads)
                secured._is_readable = self._is_readable
                return secured
        except CartesiaError as error:
            raise _NotConnected(error) from None
        raise _NotConnected(_no_answer(self._peer))

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else None


@attrs.define(eq=False)
class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens the streams of httpcore2's connections."""

    _open_stream: OpenStream
    _ssl_context: ssl.SSLContext | None
    _heads: Heads

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> _Stream:
        peer = host_and_port(host, port)
        try:
            with trio.move_on_after(CONNECT_SECONDS):
                stream = await open_plain(host, port, self._open_stream, peer)
                return _Stream(stream, peer, self._heads, self._ssl_context)
        except CartesiaError as error:
            raise _NotConnected(error) from None
        raise _NotConnected(_no_answer(peer))


def _no_answer(peer: str) -> ConnectFailed:
    return ConnectFailed(f"{peer} gave no answer within {CONNECT_SECONDS:g} seconds")


@attrs.define(eq=False)
class WireResponse:
    """A response whose body is received piece by piece.

    Attributes:
        status_code: From the status line.
        headers: By lower-case name; values of a name that came more than once are joined.
    """

    _response: httpcore2.Response = attrs.field(repr=False)
    status_code: int = attrs.field(init=False)
    headers: Mapping[str, str] = attrs.field(init=False, repr=False)
    _body: AsyncGenerator[bytes, None] = attrs.field(init=False, repr=False)
    _state: Literal["open", "receiving", "ended", "cut"] = attrs.field(default="open", init=False)

    def __attrs_post_init__(self) -> None:
        self.status_code = self._response.status
        headers: dict[str, str] = {}
        for raw_name, raw_value in self._response.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.headers = headers
        self._body = aiter(self._response.stream)  # type: ignore[arg-type]  # it is one

    async def receive(self) -> bytes:
        """Receive some of the body; nothing means its end.

        If cancelled, the rest of the body is lost.

        Raises:
            ConnectionLost: The connection ended before the body did, or the rest was lost before.
            LocalProtocolError: Another task is receiving.
            RemoteProtocolError: It is not valid HTTP.
        """
        if self._state == "receiving":
            raise LocalProtocolError("another task is receiving the response")
        if self._state == "cut":
            raise ConnectionLost("the rest of the response was lost: receiving did not go on")
        self._state, data = "receiving", None
        try:
            data = await anext(self._body, b"")
        except _FAILURES as error:
            raise _translated(error, self._response.extensions["network_stream"]) from error
        finally:
            self._state = "cut" if data is None else "open" if data else "ended"
        return data

    async def aclose(self) -> None:
        """Leave the body; the connection is used again if that was received whole."""
        if self._state != "ended":
            self._state = "cut"
        with trio.CancelScope(shield=True):  # nothing in it waits
            await self._body.aclose()
            await self._response.aclose()


class Wire:
    """Connections to the service, which are kept for the next request."""

    def __init__(
        self, open_stream: OpenStream, ssl_context: ssl.SSLContext | None, max_connections: int
    ) -> None:
        self._heads = Heads()
        self._pool = httpcore2.AsyncConnectionPool(
            # httpcore2 changes the one that it is given, and a user's may serve others as well
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=max_connections,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_Backend(open_stream, ssl_context, self._heads),
        )

    async def send(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | AsyncIterable[bytes],
        size_bytes: int | None,
    ) -> WireResponse:
        """Send a request, and return its response once the head of that has arrived.

        Args:
            method: Of HTTP.
            url: The whole URL.
            headers: All but ``Host`` and those of the body's size.
            body: Bytes, or what yields them; httpcore2 closes a generator, whatever ends it.
            size_bytes: The size of the body; None sends it in chunks.

        Raises:
            ConnectFailed: There is no connection; nothing was written.
            ConnectionLost: The connection ended before the response began.
            RemoteProtocolError: The response is not valid HTTP.
        """
        request = httpcore2.Request(method, url, content=body)
        request.headers = [(b"Host", _host(request.url))]
        if size_bytes != 0 or method not in _NO_BODY:
            request.headers.append(_size(size_bytes))
        try:
            with self._heads.held(headers) as head:
                request.headers.append(head)
                response = await self._pool.handle_async_request(request)
        except _NotConnected as error:
            raise error.error from error.error.__cause__
        except _FAILURES as error:
            raise _translated(error, None) from error
        return WireResponse(response)

    def connections_idle(self) -> list[bool]:
        """Return, for each connection, whether it waits for a request."""
        return [connection.is_idle() for connection in self._pool.connections]

    async def aclose(self) -> None:
        """Close all connections; responses that are being received end with `ConnectionLost`."""
        await self._pool.aclose()


def _size(size_bytes: int | None) -> tuple[bytes, bytes]:
    if size_bytes is None:
        return b"Transfer-Encoding", b"chunked"
    return b"Content-Length", b"%d" % size_bytes


def _host(url: httpcore2.URL) -> bytes:
    host = b"[%s]" % url.host if b":" in url.host else url.host
    return host if url.port is None else b"%s:%d" % (host, url.port)


def _translated(error: Exception, stream: _Stream | None) -> CartesiaError:
    if isinstance(error, httpcore2.LocalProtocolError):
        return InternalError(f"the request is not valid HTTP: {error}")
    has_ended = isinstance(error, httpcore2.NetworkError) or (
        "disconnected" in str(error) if stream is None else stream.has_ended
    )
    if has_ended:
        return ConnectionLost("the connection ended before the response was complete")
    return RemoteProtocolError(f"the response is not valid HTTP: {type(error).__name__}")

"""HTTP connections, and the only module that imports httpx2.

httpx2 speaks HTTP and keeps connections for the next request. It gets streams of ours, so that name
resolution, proxies, TLS and their errors are those of the WebSockets. Its exceptions end here.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import httpcore2
import httpx2
import trio

from trio_cartesia._errors import (
    CartesiaError,
    ConnectFailed,
    ConnectionLost,
    InternalError,
    RemoteProtocolError,
)
from trio_cartesia._protocol.base.addresses import host_and_port
from trio_cartesia._runtime.transport.connect import OpenStream, open_plain, start_tls
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia._runtime.transport.websocket import CONNECT_SECONDS

__all__ = ["KEPT_SECONDS", "Wire", "WireResponse"]

KEPT_SECONDS: Final = 60.0  # after which an idle connection is not used again

CHUNKED: Final = ("Transfer-Encoding", "chunked")

_FAILURES: Final = (httpcore2.NetworkError, httpcore2.ProtocolError, httpx2.DecodingError)


class _NotConnected(httpcore2.ConnectError):
    """Carries an error of ours through httpcore2, which drops the causes of others."""

    def __init__(self, error: CartesiaError) -> None:
        super().__init__()
        self.error = error


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream of ours, as httpcore2 uses it; the callers' scopes are its only deadlines."""

    def __init__(
        self, stream: trio.abc.Stream, peer: str, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._stream, self._peer, self._ssl_context = stream, peer, ssl_context
        self._readable = getattr(stream, "is_readable", None)
        self.has_ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore2.ReadError from error
        self.has_ended = not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        try:
            await self._stream.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
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
            with trio.move_on_after(CONNECT_SECONDS) as scope:
                stream = await start_tls(self._stream, context, server_hostname or "", self._peer)
                secured = _Stream(stream, self._peer, None)
                secured._readable = self._readable
                return secured
        except CartesiaError as error:
            raise _NotConnected(error) from None
        assert scope.cancelled_caught
        raise _NotConnected(_no_answer(self._peer))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._readable is not None:
            return self._readable()
        return None


@attrs.define(eq=False)
class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens the streams of httpcore2's connections."""

    _open_stream: OpenStream
    _ssl_context: ssl.SSLContext | None

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
            with trio.move_on_after(CONNECT_SECONDS) as scope:
                stream = await open_plain(host, port, self._open_stream, peer)
                return _Stream(stream, peer, self._ssl_context)
        except CartesiaError as error:
            raise _NotConnected(error) from None
        assert scope.cancelled_caught
        raise _NotConnected(_no_answer(peer))


def _no_answer(peer: str) -> ConnectFailed:
    return ConnectFailed(f"{peer} gave no answer within {CONNECT_SECONDS:g} seconds")


@attrs.define(eq=False)
class _RequestBody(httpx2.AsyncByteStream):
    """The body of a request; httpcore2 closes the iterator, whatever ends it."""

    _pieces: AsyncIterable[bytes]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._pieces)


@attrs.define(eq=False)
class _Body(httpx2.AsyncByteStream):
    """The body of a response, from httpcore2."""

    _stream: Any

    async def __aiter__(self) -> Any:
        stream = self._stream.__aiter__()
        try:
            async for data in stream:
                yield data
        finally:
            await stream.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()


@attrs.define(eq=False)
class _Transport(httpx2.AsyncBaseTransport):
    """httpx2's own transport takes no network backend, so this takes its place."""

    _pool: httpcore2.AsyncConnectionPool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


@attrs.define(eq=False)
class WireResponse:
    """A response whose body is received piece by piece.

    Attributes:
        status_code: From the status line.
        headers: By lower-case name; values of a name that came more than once are joined.
    """

    _response: httpx2.Response = attrs.field(repr=False)
    status_code: int = attrs.field(init=False)
    headers: Mapping[str, str] = attrs.field(init=False, repr=False)
    _chunks: Any = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.status_code = self._response.status_code
        self.headers = dict(self._response.headers)
        self._chunks = self._response.aiter_bytes()

    async def receive(self) -> bytes:
        """Receive some of the body; nothing means its end.

        Raises:
            ConnectionLost: The connection ended before the body did.
            RemoteProtocolError: It is not valid HTTP, or not what its encoding says.
        """
        try:
            return await anext(self._chunks, b"")
        except _FAILURES as error:
            raise _translated(error, self._response.extensions["network_stream"]) from error

    async def aclose(self) -> None:
        """Leave the body; the connection is used again if that was received whole."""
        with trio.CancelScope(shield=True):  # nothing in it waits
            await self._chunks.aclose()
            await self._response.aclose()


class Wire:
    """Connections to the service, which are kept for the next request."""

    def __init__(
        self, open_stream: OpenStream, ssl_context: ssl.SSLContext | None, max_connections: int
    ) -> None:
        pool = httpcore2.AsyncConnectionPool(
            # httpcore2 changes the one that it is given, and a user's may serve others as well
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            max_connections=max_connections,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_Backend(open_stream, ssl_context),
        )
        self._client = httpx2.AsyncClient(transport=_Transport(pool), trust_env=False, timeout=None)

    async def send(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | AsyncIterable[bytes],
    ) -> WireResponse:
        """Send a request, and return its response once the head of that has arrived.

        Raises:
            ConnectFailed: There is no connection; nothing was written.
            ConnectionLost: The connection ended before the response began.
            RemoteProtocolError: The response is not valid HTTP.
        """
        try:
            response = await self._client.send(_request(method, url, headers, body), stream=True)
        except _NotConnected as error:
            raise error.error from error.error.__cause__
        except _FAILURES as error:
            raise _translated(error, None) from error
        return WireResponse(response)

    async def aclose(self) -> None:
        """Close all connections; responses that are being received end with `ConnectionLost`."""
        await self._client.aclose()


def _request(
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes | AsyncIterable[bytes],
) -> httpx2.Request:
    if isinstance(body, bytes):
        return httpx2.Request(method, url, headers=list(headers), content=body)
    host = ("Host", httpx2.URL(url).netloc.decode())  # which httpx2 leaves out here
    framing = [] if any(name == "Content-Length" for name, _ in headers) else [CHUNKED]
    stream = _RequestBody(body)
    return httpx2.Request(method, url, headers=[host, *headers, *framing], stream=stream)


def _translated(error: Exception, stream: _Stream | None) -> CartesiaError:
    if isinstance(error, httpcore2.LocalProtocolError):
        return InternalError(f"the request is not valid HTTP: {error}")
    has_ended = isinstance(error, httpcore2.NetworkError) or (
        "disconnected" in str(error) if stream is None else stream.has_ended
    )
    if has_ended:
        return ConnectionLost("the connection ended before the response was complete")
    return RemoteProtocolError(f"the response is not valid HTTP: {type(error).__name__}")

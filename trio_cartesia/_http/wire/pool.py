"""The connections to the service: requests are sent on one that waits, or on a new one."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable
from typing import Final

import httpcore2

from trio_cartesia._http.wire.heads import Heads
from trio_cartesia._http.wire.responses import FAILURES, WireResponse, translated
from trio_cartesia._http.wire.streams import Backend, NotConnected
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._runtime.transport.connect import OpenStream

__all__ = ["KEPT_SECONDS", "Wire"]

KEPT_SECONDS: Final = 60.0  # after which an idle connection is not used again

_NO_BODY: Final = ("GET", "HEAD", "DELETE")  # usually


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
            network_backend=Backend(open_stream, ssl_context, self._heads),
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
        except NotConnected as error:
            raise error.error from error.error.__cause__
        except FAILURES as error:
            raise translated(error, None) from error
        return WireResponse(response, method)

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

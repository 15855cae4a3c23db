"""Connect through an HTTP proxy, with CONNECT (RFC 9110 §9.3.6)."""

from __future__ import annotations

import trio

from trio_cartesia._errors import ConnectFailed
from trio_cartesia._protocol.base.addresses import host_and_port
from trio_cartesia._protocol.base.proxies import ProxyAddress
from trio_cartesia._runtime.transport.connect import start_tls
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia._runtime.transport.handshake_headers import HandshakeHeaders
from trio_cartesia._runtime.transport.tcp import open_tcp_stream

__all__ = ["open_proxied_stream"]


async def open_proxied_stream(proxy: ProxyAddress, host: str, port: int) -> trio.abc.Stream:
    """Return a stream to *host* and *port* through *proxy*.

    An ``https`` proxy is verified against the system's authorities.

    Raises:
        ConnectFailed: The proxy cannot be reached, or refused.
    """
    try:
        stream: trio.abc.Stream = await open_tcp_stream(proxy.host, proxy.port)
    except (OSError, UnicodeError) as error:
        raise ConnectFailed(f"no connection to the proxy {proxy}: {error}") from error
    if proxy.secure:
        stream = await start_tls(stream, default_context(), proxy.host, f"the proxy {proxy}")
    try:
        await _request_tunnel(stream, proxy, host_and_port(host, port))
    except BaseException:
        await trio.aclose_forcefully(stream)  # noqa: ASYNC102  # closes, then raises
        raise
    return stream


async def _request_tunnel(stream: trio.abc.Stream, proxy: ProxyAddress, peer: str) -> None:
    import h11  # loaded with trio-websocket, by the first connection

    http = h11.Connection(h11.CLIENT)
    request = http.send(h11.Request(method="CONNECT", target=peer, headers=[("Host", peer)]))
    http.send(h11.EndOfMessage())
    try:
        await stream.send_all(HandshakeHeaders(proxy.headers).added_to(request or b""))
        while not isinstance(event := http.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some()))
    except (trio.BrokenResourceError, h11.RemoteProtocolError) as error:
        raise ConnectFailed(f"the proxy {proxy} gave no valid answer to CONNECT") from error
    if not 200 <= event.status_code < 300:
        hint = ": give it a user and a password in its URL" if event.status_code == 407 else ""
        raise ConnectFailed(f"the proxy {proxy} refused CONNECT with {event.status_code}{hint}")
    if http.trailing_data[0]:
        raise ConnectFailed(f"the proxy {proxy} sent data before the tunnel was used")

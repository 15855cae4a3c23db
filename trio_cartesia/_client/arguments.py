"""Checks of what a `Cartesia` is made from."""

from __future__ import annotations

import os
import ssl
from functools import partial

from trio_cartesia._client.proxies import Proxy, choose_proxy
from trio_cartesia._client.tokens import CreateToken, TokenSource
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.addresses import DEFAULT_BASE_URL, BaseUrl
from trio_cartesia._protocol.base.credentials import Credential
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia._runtime.transport.proxy import open_proxied_stream
from trio_cartesia._runtime.transport.tcp import open_tcp_stream

__all__ = ["checked_context", "choose_credential", "find_base_url", "stream_opener"]


def choose_credential(
    api_key: str | None, token: str | CreateToken | None
) -> Credential | TokenSource | None:
    """Return the credential that was given, or that of the environment, or None.

    Raises:
        LocalProtocolError: Two were given, or it cannot be sent.
    """
    if callable(token):
        if api_key is not None:
            raise LocalProtocolError("give api_key or token, not both")
        return TokenSource(token)
    if api_key is None and token is None:
        return Credential.choose(
            os.environ.get("CARTESIA_API_KEY") or None, None, "CARTESIA_API_KEY"
        )
    return Credential.choose(api_key, token)


def find_base_url(base_url: str | None) -> tuple[str, str]:
    """Return the base URL, and the name of the parameter or variable that it is from."""
    if base_url is not None:
        return base_url, "base_url"
    from_environment = os.environ.get("CARTESIA_BASE_URL")
    if from_environment:
        return from_environment, "CARTESIA_BASE_URL"
    return DEFAULT_BASE_URL, "base_url"


def checked_context(ssl_context: object) -> ssl.SSLContext | None:
    """Return *ssl_context* if it can be used; raises LocalProtocolError."""
    if ssl_context is None:
        return None
    if not isinstance(ssl_context, ssl.SSLContext):
        kind = type(ssl_context).__name__
        raise LocalProtocolError(f"ssl_context must be an ssl.SSLContext or None, not {kind}")
    if ssl_context.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise LocalProtocolError(
            "ssl_context must be for clients, as from ssl.create_default_context(), not for servers"
        )
    return ssl_context


def stream_opener(open_stream: object, proxy: Proxy, base: BaseUrl) -> OpenStream:
    """Return what makes the streams to *base*; raises LocalProtocolError."""
    if open_stream is None:
        address = base.websocket("")
        chosen = choose_proxy(proxy, address, is_loopback=base.is_loopback)
        return open_tcp_stream if chosen is None else partial(open_proxied_stream, chosen)
    if proxy is not None and proxy is not True:
        raise LocalProtocolError("give proxy or open_stream, not both")
    if not callable(open_stream):
        kind = type(open_stream).__name__
        raise LocalProtocolError(
            f"open_stream must be an async function of a host and a port, or None, not {kind}"
        )
    return open_stream

"""`Cartesia`: the credential, the address and the settings of all connections."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Final, Self

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._client.proxies import Proxy, choose_proxy
from trio_cartesia._client.tts import TTS, Endpoint
from trio_cartesia._constructors import create
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.addresses import DEFAULT_BASE_URL, BaseUrl
from trio_cartesia._protocol.base.credentials import (
    DEFAULT_VERSION,
    PLAIN_VOICE_SINCE,
    Credential,
    check_headers,
    parse_header_lines,
    request_headers,
    version_of,
)
from trio_cartesia._runtime.managers import warn_abandoned
from trio_cartesia._runtime.stalls import STALL_SECONDS, check_stall_seconds
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia._runtime.transport.proxy import open_proxied_stream
from trio_cartesia._runtime.transport.tcp import open_tcp_stream
from trio_cartesia._version import __version__

__all__ = ["Cartesia"]

USER_AGENT: Final = f"trio-cartesia/{__version__}"


class Cartesia:
    """A client of the Cartesia API; use it as an async context manager.

    It holds settings but no connection, so it is cheap. All tasks of a Trio run may share it.

    Attributes:
        tts: Text to speech.
        version: The API version that is sent with every request.

    Example::

        import trio
        from trio_cartesia import Cartesia

        async def main():
            async with Cartesia() as client, client.tts.websocket_connect() as connection:
                print(connection.statistics().contexts_open)

        trio.run(main)
    """

    __slots__ = ("__weakref__", "_is_entered", "tts", "version")

    tts: TTS
    version: str

    def __init__(
        self,
        api_key: str | None = None,
        *,
        token: str | None = None,
        base_url: str | None = None,
        websocket_base_url: str | None = None,
        version: str = DEFAULT_VERSION,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure: bool = False,
        proxy: Proxy = True,
        open_stream: OpenStream | None = None,
        stall_seconds: float | None = STALL_SECONDS,
    ) -> None:
        """Check the arguments and read the environment; nothing is sent.

        Args:
            api_key: An API key. If this and *token* are None, ``CARTESIA_API_KEY`` is used.
            token: An access token, instead of a key (protocol §1.3).
            base_url: The URL of the API, which may have a path prefix. If None, the value of
                ``CARTESIA_BASE_URL`` is used, or else the public API.
            websocket_base_url: The URL for WebSockets; if None, derived from *base_url*.
            version: The API version, a date. It also determines how a voice is encoded
                (protocol §1.2).
            headers: Additional headers for every request. They override those in
                ``CARTESIA_CUSTOM_HEADERS``, which has lines of ``Name: value``.
            ssl_context: The TLS settings. If None, certificates are verified against the system's
                authorities, or those in ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.
            allow_insecure: Permit plain ``http`` and ``ws`` to other machines.
            proxy: The URL of an HTTP proxy. True takes it from ``HTTPS_PROXY`` or ``ALL_PROXY``,
                unless ``NO_PROXY`` or a loopback address excludes the host; None connects directly.
            open_stream: An async function that returns the `trio.abc.Stream` to a host and a port,
                before TLS. It replaces name resolution, TCP and *proxy*.
            stall_seconds: The time after which a context that waits for speech and gets no event
                fails with `ContextStalled`; None for no limit. A connection, a pool or a context
                may override it.

        Raises:
            LocalProtocolError: An argument, or the variable that replaces it, is not valid; both a
                key and a token were given; or there is no credential, and the service is on another
                machine.
        """
        key_name = "api_key"
        if api_key is None and token is None:
            api_key, key_name = os.environ.get("CARTESIA_API_KEY") or None, "CARTESIA_API_KEY"
        credential = Credential.choose(api_key, token, key_name)
        allow_insecure = checks.boolean(allow_insecure, "allow_insecure")
        url, name = _base_url(base_url)
        base = BaseUrl.parse(url, name, allow_insecure=allow_insecure)
        if websocket_base_url is not None:
            base = BaseUrl.parse(
                websocket_base_url, "websocket_base_url", allow_insecure=allow_insecure
            )
        if credential is None and not base.is_loopback:
            raise LocalProtocolError(
                "there is no credential: give api_key or token, or set CARTESIA_API_KEY"
            )
        self.version = version_of(version)
        extra = parse_header_lines(os.environ.get("CARTESIA_CUSTOM_HEADERS", ""))
        if headers is not None:
            extra |= check_headers(headers)
        endpoint = Endpoint(
            base=base,
            headers=request_headers(
                version=self.version,
                user_agent=USER_AGENT,
                credential=credential,
                extra=extra,
            ),
            voice_as_object=self.version < PLAIN_VOICE_SINCE,
            ssl_context=_checked_context(ssl_context),
            open_stream=_stream_opener(open_stream, proxy, base),
            stall_seconds=check_stall_seconds(stall_seconds),
        )
        self.tts = create(TTS, endpoint)
        self._is_entered = False

    def __repr__(self) -> str:
        return f"Cartesia(version={self.version!r})"

    @enable_ki_protection
    async def __aenter__(self) -> Self:
        await trio.lowlevel.checkpoint()
        if self._is_entered:
            raise LocalProtocolError(
                "the client has been entered already: share it, or make another Cartesia"
            )
        self._is_entered = True
        return self

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_entered = False
        await trio.lowlevel.cancel_shielded_checkpoint()

    def __del__(self) -> None:
        if getattr(self, "_is_entered", False):  # not there where the arguments were refused
            warn_abandoned(self, "a client (Cartesia)")


def _base_url(base_url: str | None) -> tuple[str, str]:
    """Return the base URL, and the name of the parameter or variable that it is from."""
    if base_url is not None:
        return base_url, "base_url"
    from_environment = os.environ.get("CARTESIA_BASE_URL")
    if from_environment:
        return from_environment, "CARTESIA_BASE_URL"
    return DEFAULT_BASE_URL, "base_url"


def _checked_context(ssl_context: object) -> ssl.SSLContext | None:
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


def _stream_opener(open_stream: object, proxy: Proxy, base: BaseUrl) -> OpenStream:
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

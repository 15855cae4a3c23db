"""`Cartesia` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from trio_cartesia._client.client import Cartesia as AsyncCartesia
from trio_cartesia._client.proxies import Proxy
from trio_cartesia._constructors import create
from trio_cartesia._protocol.base.credentials import DEFAULT_VERSION
from trio_cartesia._runtime.stalls import STALL_SECONDS
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia.blocking.client_base import ClientBase
from trio_cartesia.blocking.tts import TTS

__all__ = ["Cartesia"]


class Cartesia(ClientBase):
    """A client of the Cartesia API; use it as a context manager.

    While its block runs, a thread in the background runs Trio for it. All threads may share it;
    leaving the block ends what they have open.

    Attributes:
        tts: Text to speech.
        version: The API version that is sent with every request.

    Example::

        from trio_cartesia.blocking import Cartesia

        with Cartesia() as client, client.tts.websocket_connect() as connection:
            print(connection.statistics().contexts_open)
    """

    __slots__ = ()

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
            open_stream: An async function, called in the background thread, that returns the
                `trio.abc.Stream` to a host and a port, before TLS. It replaces name resolution, TCP
                and *proxy*.
            stall_seconds: The time after which a context that waits for speech and gets no event
                fails with `ContextStalled`; None for no limit. A connection, a pool or a context
                may override it.

        Raises:
            LocalProtocolError: An argument, or the variable that replaces it, is not valid; both a
                key and a token were given; or there is no credential, and the service is on another
                machine.
        """
        super().__init__(
            AsyncCartesia(
                api_key,
                token=token,
                base_url=base_url,
                websocket_base_url=websocket_base_url,
                version=version,
                headers=headers,
                ssl_context=ssl_context,
                allow_insecure=allow_insecure,
                proxy=proxy,
                open_stream=open_stream,
                stall_seconds=stall_seconds,
            )
        )

    @property
    def tts(self) -> TTS:
        """Text to speech."""
        return create(TTS, self._portal, self._inner.tts)

    @property
    def version(self) -> str:
        """The API version that is sent with every request."""
        return self._inner.version

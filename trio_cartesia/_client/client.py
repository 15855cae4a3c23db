"""`Cartesia`: the credential, the address and the settings of all connections."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._client.arguments import (
    checked_context,
    choose_credential,
    find_base_url,
    stream_opener,
)
from trio_cartesia._client.endpoint import Endpoint, RequestHeaders
from trio_cartesia._client.proxies import Proxy
from trio_cartesia._client.resources import RESOURCES, load_resource
from trio_cartesia._client.tokens import CreateToken, TokenSource
from trio_cartesia._client.tts import TTS
from trio_cartesia._constructors import create
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.connections import Connections, HTTPStatistics
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.addresses import BaseUrl
from trio_cartesia._protocol.base.credentials import (
    DEFAULT_VERSION,
    PLAIN_VOICE_SINCE,
    Credential,
    Headers,
    check_headers,
    parse_header_lines,
    version_of,
)
from trio_cartesia._protocol.base.credentials import request_headers as headers_of_requests
from trio_cartesia._runtime.managers import warn_abandoned
from trio_cartesia._runtime.stalls import STALL_SECONDS, check_stall_seconds
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia._version import __version__

if TYPE_CHECKING:  # each is loaded when it is used first
    from trio_cartesia._client.stt import STT
    from trio_cartesia._http.generic import RawResponse
    from trio_cartesia._http.requests import RequestOptions
    from trio_cartesia._http.resources.account import AccessTokens, UsageReports
    from trio_cartesia._http.resources.agents import Agents
    from trio_cartesia._http.resources.datasets import Datasets
    from trio_cartesia._http.resources.fine_tunes import FineTunes
    from trio_cartesia._http.resources.pronunciation_dicts import PronunciationDicts
    from trio_cartesia._http.resources.voice_changer import VoiceChanger
    from trio_cartesia._http.resources.voices import Voices
    from trio_cartesia._protocol.rest.account import Status

__all__ = ["Cartesia"]

USER_AGENT: Final = f"trio-cartesia/{__version__}"
MAX_CONNECTIONS: Final = 20  # for requests over HTTP


class Cartesia:
    """A client of the Cartesia API; use it as an async context manager.

    The block keeps the connections of requests over HTTP; before the first request there are none,
    so a client is cheap. All tasks of a Trio run may share it.

    Attributes:
        tts: Text to speech.
        stt: Speech to text.
        voices: The voices of the library and of the account, and accents.
        voice_changer: Recordings in another voice.
        datasets: Recordings for fine-tunes.
        fine_tunes: Professional clones of voices.
        pronunciation_dicts: How names and terms are spoken.
        agents: Agents, their calls, metrics and deployments.
        access_token: Tokens for clients without a key.
        usage: The credits that were used.
        version: The API version that is sent with every request.

    Example::

        import trio
        from trio_cartesia import Cartesia

        async def main():
            async with Cartesia() as client, client.tts.websocket_connect() as connection:
                print(connection.statistics().contexts_open)

        trio.run(main)
    """

    __slots__ = ("__weakref__", "_endpoint", "_is_entered", "tts", "version", *RESOURCES)

    tts: TTS
    stt: STT
    voices: Voices
    voice_changer: VoiceChanger
    datasets: Datasets
    fine_tunes: FineTunes
    pronunciation_dicts: PronunciationDicts
    agents: Agents
    access_token: AccessTokens
    usage: UsageReports
    version: str

    def __init__(
        self,
        api_key: str | None = None,
        *,
        token: str | CreateToken | None = None,
        base_url: str | None = None,
        websocket_base_url: str | None = None,
        version: str = DEFAULT_VERSION,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure: bool = False,
        proxy: Proxy = True,
        open_stream: OpenStream | None = None,
        stall_seconds: float | None = STALL_SECONDS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """Check the arguments and read the environment; nothing is sent.

        Args:
            api_key: An API key. If this and *token* are None, ``CARTESIA_API_KEY`` is used.
            token: An access token, instead of a key (protocol §1.3); or an async function that
                returns one, which is called before the last one ends.
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
            max_connections: The most connections for requests over HTTP at once; further requests
                wait for one.

        Raises:
            LocalProtocolError: An argument, or the variable that replaces it, is not valid; both a
                key and a token were given; or a service on another machine has no credential.
        """
        credential = choose_credential(api_key, token)
        allow_insecure = checks.boolean(allow_insecure, "allow_insecure")
        url, name = find_base_url(base_url)
        base = http_base = BaseUrl.parse(url, name, allow_insecure=allow_insecure)
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
            extra = dict(Headers(extra.items()).replaced(check_headers(headers).items()))
        tokens = credential if isinstance(credential, TokenSource) else None
        fixed = credential if isinstance(credential, Credential) else None
        request_headers = RequestHeaders(
            fixed=headers_of_requests(
                version=self.version, user_agent=USER_AGENT, credential=fixed, extra=extra
            ),
            tokens=tokens,
        )
        ssl_context = checked_context(ssl_context)
        self._set_endpoint(
            Endpoint(
                base=base,
                connections=Connections(
                    base_url=http_base.http,
                    headers=request_headers.current,
                    renew=request_headers.renew,
                    lacks_credential=credential is None and not http_base.is_loopback,
                    ssl_context=ssl_context,
                    open_stream=stream_opener(open_stream, proxy, http_base),
                    max_connections=checks.positive_whole(max_connections, "max_connections"),
                ),
                headers=request_headers,
                voice_as_object=self.version < PLAIN_VOICE_SINCE,
                ssl_context=ssl_context,
                open_stream=stream_opener(open_stream, proxy, base),
                stall_seconds=check_stall_seconds(stall_seconds),
            )
        )

    def _set_endpoint(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.tts = create(TTS, endpoint)
        self._is_entered = False

    if not TYPE_CHECKING:  # for checkers, there is no attribute but those above

        def __getattr__(self, name: str) -> Any:
            if name not in RESOURCES:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            resource = load_resource(name, self._endpoint)
            setattr(self, name, resource)
            return resource

    async def get_status(self, **options: Unpack[RequestOptions]) -> Status:
        """Return the status of the service (protocol §5.1); raises as `request`.

        Args:
            **options: See `RequestOptions`.
        """
        from trio_cartesia._http.generic import get_status

        return await get_status(self._endpoint.api(), options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        json: object = None,
        **options: Unpack[RequestOptions],
    ) -> RawResponse:
        """Send a request for which there is no method here, and return its response.

        Args:
            method: ``"GET"`` or another.
            path: The path below the base URL, with a slash at its start.
            query: Parameters of the query; an array repeats its name.
            json: The JSON body; None for no body.
            **options: See `RequestOptions`.

        Raises:
            LocalProtocolError: An argument cannot be sent, or the client's block was not entered.
            RequestFailed: The service refused the request; the class says why.
            ConnectFailed: The service cannot be reached, also after retries; nothing was sent.
            ConnectionLost: The connection ended before the response was complete.
            RemoteProtocolError: The response is not valid, or larger than 64 MiB.
        """
        from trio_cartesia._http.generic import send

        return await send(self._endpoint.api(), method, path, query or {}, json, options)

    def statistics(self) -> HTTPStatistics:
        """Return how many requests over HTTP were sent, and the connections that are open."""
        return self._endpoint.connections.statistics()

    def with_options(self, **options: Unpack[RequestOptions]) -> Cartesia:
        """Return a client whose requests over HTTP have these options, too.

        It shares the block and the connections of this client, so it is not entered itself.
        Options of a call win over those of a client; headers, queries and bodies are joined.

        Args:
            **options: See `RequestOptions`.

        Raises:
            LocalProtocolError: An option is not valid.
        """
        other = object.__new__(Cartesia)
        other.version = self.version
        other._set_endpoint(self._endpoint.with_options(options))
        return other

    def __repr__(self) -> str:
        return f"Cartesia(version={self.version!r})"

    @enable_ki_protection
    async def __aenter__(self) -> Self:
        await trio.lowlevel.checkpoint()
        if self._endpoint.connections.is_open:
            raise LocalProtocolError(
                "the client has been entered already: share it, or make another Cartesia"
            )
        self._is_entered = True
        self._endpoint.connections.is_open = True
        return self

    @enable_ki_protection
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_entered = False
        await self._endpoint.connections.aclose()

    def __del__(self) -> None:
        if getattr(self, "_is_entered", False):  # not there where the arguments were refused
            warn_abandoned(self, "a client (Cartesia)")

"""`Cartesia` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Unpack

from trio_cartesia._client.client import MAX_CONNECTIONS
from trio_cartesia._client.client import Cartesia as AsyncCartesia
from trio_cartesia._client.proxies import Proxy
from trio_cartesia._client.tokens import CreateToken
from trio_cartesia._constructors import create
from trio_cartesia._http.connections import HTTPStatistics
from trio_cartesia._http.generic import RawResponse
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._protocol.base.credentials import DEFAULT_VERSION
from trio_cartesia._protocol.rest.account import Status
from trio_cartesia._runtime.stalls import STALL_SECONDS
from trio_cartesia._runtime.transport.connect import OpenStream
from trio_cartesia.blocking.client_base import ClientBase
from trio_cartesia.blocking.resources.access_tokens import AccessTokens
from trio_cartesia.blocking.resources.agents import Agents
from trio_cartesia.blocking.resources.datasets import Datasets
from trio_cartesia.blocking.resources.fine_tunes import FineTunes
from trio_cartesia.blocking.resources.pronunciation_dicts import PronunciationDicts
from trio_cartesia.blocking.resources.usage_reports import UsageReports
from trio_cartesia.blocking.resources.voice_changer import VoiceChanger
from trio_cartesia.blocking.resources.voices import Voices
from trio_cartesia.blocking.stt.stt import STT
from trio_cartesia.blocking.tts import TTS

__all__ = ["Cartesia"]


class Cartesia(ClientBase):
    """A client of the Cartesia API; use it as a context manager.

    While its block runs, a thread in the background runs Trio for it. All threads may share it;
    leaving the block ends what they have open.

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

        from trio_cartesia.blocking import Cartesia

        with Cartesia() as client, client.tts.websocket_connect() as connection:
            print(connection.statistics().contexts_open)
    """

    __slots__ = ()

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
                returns one, which is called in the background thread before the last one ends.
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
            max_connections: The most connections for requests over HTTP at once; further requests
                wait for one.

        Raises:
            LocalProtocolError: An argument, or the variable that replaces it, is not valid; both a
                key and a token were given; or a service on another machine has no credential.
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
                max_connections=max_connections,
            )
        )

    @property
    def tts(self) -> TTS:
        """Text to speech."""
        return create(TTS, self._portal, self._inner.tts)

    @property
    def stt(self) -> STT:
        """Speech to text."""
        return create(STT, self._portal, self._inner.stt)

    @property
    def voices(self) -> Voices:
        """The voices of the library and of the account, and accents."""
        return create(Voices, self._portal, self._inner.voices)

    @property
    def voice_changer(self) -> VoiceChanger:
        """Recordings in another voice."""
        return create(VoiceChanger, self._portal, self._inner.voice_changer)

    @property
    def datasets(self) -> Datasets:
        """Recordings for fine-tunes."""
        return create(Datasets, self._portal, self._inner.datasets)

    @property
    def fine_tunes(self) -> FineTunes:
        """Professional clones of voices."""
        return create(FineTunes, self._portal, self._inner.fine_tunes)

    @property
    def pronunciation_dicts(self) -> PronunciationDicts:
        """How names and terms are spoken."""
        return create(PronunciationDicts, self._portal, self._inner.pronunciation_dicts)

    @property
    def agents(self) -> Agents:
        """Agents, their calls, metrics and deployments."""
        return create(Agents, self._portal, self._inner.agents)

    @property
    def access_token(self) -> AccessTokens:
        """Tokens for clients without a key."""
        return create(AccessTokens, self._portal, self._inner.access_token)

    @property
    def usage(self) -> UsageReports:
        """The credits that were used."""
        return create(UsageReports, self._portal, self._inner.usage)

    @property
    def version(self) -> str:
        """The API version that is sent with every request."""
        return self._inner.version

    def get_status(self, **options: Unpack[RequestOptions]) -> Status:
        """Return the status of the service (protocol §5.1); raises as `request`.

        Args:
            **options: See `RequestOptions`.
        """
        return self._portal.run(self._inner.get_status, **options)

    def request(
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
        return self._portal.run(
            self._inner.request, method, path, query=query, json=json, **options
        )

    def statistics(self) -> HTTPStatistics:
        """Return how many requests over HTTP were sent, and the connections that are open."""
        return self._portal.run_sync(self._inner.statistics)

    def with_options(self, **options: Unpack[RequestOptions]) -> Cartesia:
        """Return a client whose requests over HTTP have these options, too.

        It shares the block and the connections of this client, so it is not entered itself.
        Options of a call win over those of a client; headers, queries and bodies are joined.

        Args:
            **options: See `RequestOptions`.

        Raises:
            LocalProtocolError: An option is not valid.
        """
        return self._derived(self._inner.with_options(**options))

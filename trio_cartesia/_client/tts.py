"""``client.tts``: connections for text to speech."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, Unpack

import attrs
from trio.lowlevel import enable_ki_protection

from trio_cartesia._client.endpoint import Endpoint
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.decoder import prepare
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.connection import INBOX_BYTES, Connection
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.managers import Manager, block
from trio_cartesia._runtime.open_session import open_session
from trio_cartesia._runtime.stalls import StallSeconds, check_stall_seconds

if TYPE_CHECKING:
    from trio_cartesia._http.responses import AudioResponse, EventsResponse
    from trio_cartesia._http.speech import BytesOptions, EventsOptions, InfillOptions
    from trio_cartesia._pool.pool import Pool

__all__ = ["OUTAGE_SECONDS", "TTS"]

OUTAGE_SECONDS: Final = 60.0  # longer than it takes to try each address of the service


@no_public_constructor("client.tts")
@attrs.frozen(eq=False, init=False)
class TTS:
    """Text to speech, over WebSockets (protocol §2) and HTTP (protocol §3)."""

    _endpoint: Endpoint = attrs.field(repr=False)

    @block("a connection (client.tts.websocket_connect)")
    def websocket_connect(
        self, *, inbox_bytes: int = INBOX_BYTES, stall_seconds: StallSeconds = "inherit"
    ) -> Manager[Connection]:
        """Connect to the TTS WebSocket for the block (protocol §2.1).

        At the end of the block, queued messages are sent and the connection is closed, within two
        seconds. An exception of the block leaves it unchanged: there is no exception group unless
        the block opened a nursery.

        Args:
            inbox_bytes: The most bytes of events that a context holds until they are received; a
                context may override it.
            stall_seconds: The time after which a context that waits for speech and gets no event
                fails with `ContextStalled`; None for no limit, ``"inherit"`` for the limit of the
                client. A context may override it.

        Raises:
            LocalProtocolError: An argument is not valid, or ``open_stream`` returned no stream.
            ConnectFailed: The service, or the proxy, cannot be reached or did not answer within
                30 seconds.
            RequestFailed: The service refused the handshake: `AuthenticationFailed`,
                `QuotaExceeded`, `PermissionDenied`, `NotFound`, `ConcurrencyLimited`,
                `ServiceFailed`.
            InternalError: A task of this package crashed.
        """
        return self._connect(
            checks.positive_whole(inbox_bytes, "inbox_bytes"),
            check_stall_seconds(stall_seconds, inherited=self._endpoint.stall_seconds),
        )

    def websocket_pool(
        self,
        *,
        max_contexts: int | None = None,
        plan: str | None = None,
        max_connections: int | None = None,
        max_characters: int | None = None,
        outage_seconds: float | None = OUTAGE_SECONDS,
        inbox_bytes: int = INBOX_BYTES,
        stall_seconds: StallSeconds = "inherit",
    ) -> Manager[Pool]:
        """Keep connections open for the block, and open contexts within the limits of the plan.

        Contexts beyond *max_contexts* wait in a fair queue, so that the service does not refuse
        them with 429. Connections are opened when they are needed, and replaced when they are lost
        or when the service is about to close an idle one (protocol §1.8). Entering the block does
        not wait; leaving it ends all open contexts.

        Args:
            max_contexts: The number of contexts that may be open at once: the limit of the
                account's plan, less the contexts of other programs that use the account. If None,
                the limit of *plan*.
            plan: The account's plan: ``"free"``, ``"pro"``, ``"startup"`` or ``"scale"``. For other
                plans, pass only *max_contexts*.
            max_connections: The number of connections, at most one for each context; by default 2.
            max_characters: The number of characters that the pool may send, including those that
                it sends again; a limit that protects the account's credits. None for no limit.
            outage_seconds: The time that a context waits while no connection can be made, before it
                fails with the reason; None for no limit. The wait in the queue has no limit of its
                own: use ``trio.fail_after``.
            inbox_bytes: See `websocket_connect`.
            stall_seconds: See `websocket_connect`.

        Raises:
            LocalProtocolError: An argument is not valid, or the pool is larger than the plan.
            InternalError: A task of this package crashed.
        """
        from trio_cartesia._pool.pool import open_pool
        from trio_cartesia._pool.settings import pool_settings

        settings = pool_settings(
            max_contexts=max_contexts,
            plan=plan,
            max_connections=max_connections,
            max_characters=max_characters,
            outage_seconds=outage_seconds,
            inbox_bytes=inbox_bytes,
            stall_seconds=check_stall_seconds(
                stall_seconds, inherited=self._endpoint.stall_seconds
            ),
        )
        return open_pool(settings, partial(self._connect, inbox_bytes, settings.stall_seconds))

    def generate(self, **settings: Unpack[BytesOptions]) -> Manager[AudioResponse]:
        """Send a whole text, and receive its speech as bytes in the block (protocol §3.1).

        Args:
            **settings: The text, its settings and options of the request; see `BytesOptions`.

        Raises:
            LocalProtocolError: A setting is missing, unknown or not valid.
            RequestFailed: The service refused the request.
            ConnectFailed: The service cannot be reached.
            ConnectionLost: The connection ended early. The text is not sent again, since it may
                have been billed; see ``retry_written``.
        """
        from trio_cartesia._http.speech import generate

        return generate(self._endpoint.api(), settings)

    def generate_sse(self, **settings: Unpack[EventsOptions]) -> Manager[EventsResponse]:
        """Send a whole text, and receive its speech as events in the block (protocol §3.2).

        The events are those of a WebSocket, and a WebSocket costs less for many short texts.

        Args:
            **settings: The text, its settings and options of the request; see `EventsOptions`.

        Raises:
            LocalProtocolError: A setting is missing, unknown or not valid.
            RequestFailed: As for `generate`; likewise the others there.
        """
        from trio_cartesia._http.speech import generate_sse

        return generate_sse(self._endpoint.api(), settings)

    def infill(self, **settings: Unpack[InfillOptions]) -> Manager[AudioResponse]:
        """Speak a text that joins recordings, and receive that in the block (protocol §3.3).

        Args:
            **settings: The text, the recordings, one or both, and options of the request; see
                `InfillOptions`.

        Raises:
            LocalProtocolError: A setting is missing, unknown or not valid.
            RequestFailed: As for `generate`; likewise the others there.
        """
        from trio_cartesia._http.speech import infill

        return infill(self._endpoint.api(), settings)

    @asynccontextmanager
    @enable_ki_protection  # an interrupt between two lines would leave its tasks running
    async def _connect(self, inbox_bytes: int, stall_seconds: float) -> AsyncIterator[Connection]:
        endpoint = self._endpoint
        prepare()
        protocol = SpeechProtocol(
            ContextIds(uuid.uuid4().hex[:12]), voice_as_object=endpoint.voice_as_object
        )
        address = endpoint.base.websocket("/tts/websocket")
        open_transport = await endpoint.transport_to(address)
        contexts = ContextTable(protocol)
        observing = nullcontext() if endpoint.observe is None else endpoint.observe(address)
        with observing as observer:
            async with open_session(open_transport, contexts) as session:
                contexts.attach(session, observer)
                if observer is not None:
                    observer.note_open(session.request_id)
                try:
                    yield create(Connection, contexts, inbox_bytes, stall_seconds)
                finally:
                    if observer is not None:
                        observer.note_left(session.loss)

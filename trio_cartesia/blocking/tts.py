"""`TTS` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._client.tts import OUTAGE_SECONDS
from trio_cartesia._client.tts import TTS as AsyncTTS
from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.speech import BytesOptions, EventsOptions, InfillOptions
from trio_cartesia._runtime.connection import INBOX_BYTES
from trio_cartesia._runtime.stalls import StallSeconds
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.connection import Connection
from trio_cartesia.blocking.pool import Pool
from trio_cartesia.blocking.resources.audio_response import AudioResponse
from trio_cartesia.blocking.resources.events_response import EventsResponse
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["TTS"]


@no_public_constructor("client.tts")
@attrs.define(eq=False, init=False, repr=False)
class TTS(Wrapper[AsyncTTS]):
    """Text to speech, over WebSockets (protocol §2) and HTTP (protocol §3)."""

    def websocket_connect(
        self, *, inbox_bytes: int = INBOX_BYTES, stall_seconds: StallSeconds = "inherit"
    ) -> Manager[Connection]:
        """Connect to the TTS WebSocket for the block (protocol §2.1).

        At the end of the block, queued messages are sent and the connection is closed, within two
        seconds. An exception of the block leaves it unchanged.

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
        return Block(
            self._portal,
            self._inner.websocket_connect(inbox_bytes=inbox_bytes, stall_seconds=stall_seconds),
            Connection,
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
                own.
            inbox_bytes: See `websocket_connect`.
            stall_seconds: See `websocket_connect`.

        Raises:
            LocalProtocolError: An argument is not valid, or the pool is larger than the plan.
            InternalError: A task of this package crashed.
        """
        return Block(
            self._portal,
            self._inner.websocket_pool(
                max_contexts=max_contexts,
                plan=plan,
                max_connections=max_connections,
                max_characters=max_characters,
                outage_seconds=outage_seconds,
                inbox_bytes=inbox_bytes,
                stall_seconds=stall_seconds,
            ),
            Pool,
        )

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
        return Block(self._portal, self._inner.generate(**settings), AudioResponse)

    def generate_sse(self, **settings: Unpack[EventsOptions]) -> Manager[EventsResponse]:
        """Send a whole text, and receive its speech as events in the block (protocol §3.2).

        The events are those of a WebSocket, and a WebSocket costs less for many short texts.

        Args:
            **settings: The text, its settings and options of the request; see `EventsOptions`.

        Raises:
            LocalProtocolError: A setting is missing, unknown or not valid.
            RequestFailed: As for `generate`; likewise the others there.
        """
        return Block(self._portal, self._inner.generate_sse(**settings), EventsResponse)

    def infill(self, **settings: Unpack[InfillOptions]) -> Manager[AudioResponse]:
        """Speak a text that joins recordings, and receive that in the block (protocol §3.3).

        Args:
            **settings: The text, the recordings, one or both, and options of the request; see
                `InfillOptions`.

        Raises:
            LocalProtocolError: A setting is missing, unknown or not valid.
            RequestFailed: As for `generate`; likewise the others there.
        """
        return Block(self._portal, self._inner.infill(**settings), AudioResponse)

"""`TTS` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._client.tts import OUTAGE_SECONDS
from trio_cartesia._client.tts import TTS as AsyncTTS
from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._runtime.connection import INBOX_BYTES
from trio_cartesia._runtime.stalls import StallSeconds
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.connection import Connection
from trio_cartesia.blocking.pool import Pool
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["TTS"]


@no_public_constructor("client.tts")
@attrs.define(eq=False, init=False, repr=False)
class TTS(Wrapper[AsyncTTS]):
    """Text to speech (protocol §2)."""

    def websocket_connect(
        self, *, inbox_bytes: int = INBOX_BYTES, stall_seconds: StallSeconds = "inherit"
    ) -> Manager[Connection]:
        """Connect to the TTS WebSocket for the block (protocol §2.1).

        When the block ends, queued messages are sent and the connection is closed, within two
        seconds. An exception of the block leaves it unchanged.

        Args:
            inbox_bytes: How many bytes of events each context may hold until they are received,
                unless the context has a budget of its own.
            stall_seconds: How long text may be owed to a context with nothing arriving, before it
                fails with `ContextStalled`; None means forever. ``"inherit"``: as the client has
                it. A context may have its own.

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

        Contexts beyond *max_contexts* wait in a fair queue instead of meeting a 429. Connections
        are made when they are needed, and replaced when they are lost and before they idle out
        (protocol §1.8). Entering the block waits for nothing; leaving it ends what is still open.

        Args:
            max_contexts: How many contexts may be open at once: what the account's plan allows,
                less what other programs of the account use. By default, what *plan* allows.
            plan: The account's plan: ``"free"``, ``"pro"``, ``"startup"`` or ``"scale"``. For other
                plans, give *max_contexts* alone.
            max_connections: How many connections carry them, at most one for each context; by
                default 2.
            max_characters: How many characters the pool may send in all, with what is sent again
                after a loss: a guard of the account's credits. None means no limit.
            outage_seconds: How long contexts wait for a connection while none can be made, before
                they fail with the reason; None means forever. The wait for a place is not bounded.
            inbox_bytes: As for `websocket_connect`.
            stall_seconds: As for `websocket_connect`.

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

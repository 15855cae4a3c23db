"""`AutoFinalize` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from trio_cartesia._client.stt import INBOX_BYTES
from trio_cartesia._client.stt import AutoFinalize as AsyncAutoFinalize
from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia._protocol.stt.settings import Reconnect
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.stt.auto_finalize_session import AutoFinalizeSession
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["AutoFinalize"]


@no_public_constructor("client.stt.auto_finalize")
@attrs.define(eq=False, init=False, repr=False)
class AutoFinalize(Wrapper[AsyncAutoFinalize]):
    """Sessions in which the service finds the turns of the user (protocol §4.4)."""

    def websocket(
        self,
        *,
        model: str,
        encoding: STTEncoding,
        sample_rate: int,
        keyterms: Iterable[str] = (),
        turn_start_threshold: float | None = None,
        turn_eager_end_threshold: float | None = None,
        turn_end_threshold: float | None = None,
        turn_end_timeout_ms: float | None = None,
        inbox_bytes: int = INBOX_BYTES,
        reconnect: Reconnect | None = None,
    ) -> Manager[AutoFinalizeSession]:
        """Open a session for the block.

        The block is left as that of ``client.stt.manual_finalize.websocket``. The thresholds are
        for the service's score that the user is speaking. Those that are None are the service's
        own; those that are given must fall: start > eager_end > end.

        Args:
            model: ``"ink-2"``, or another model.
            encoding: ``"pcm_s16le"``, ``"pcm_s32le"``, ``"pcm_f16le"``, ``"pcm_f32le"``,
                ``"pcm_mulaw"`` or ``"pcm_alaw"``; always mono.
            sample_rate: Samples a second; 16000 is recommended.
            keyterms: Names and terms to expect: at most 100, of at most 1,200 characters in all.
            turn_start_threshold: A turn starts above it; 0.5 to 0.9.
            turn_eager_end_threshold: An early end is announced below it; 0.3 to 0.8.
            turn_end_threshold: The turn ends below it; 0.05 to 0.5.
            turn_end_timeout_ms: The longest wait after the user stops, in milliseconds; 640 to
                11200.
            inbox_bytes: The most bytes of events that wait until they are received.
            reconnect: As for ``client.stt.manual_finalize.websocket``.

        Raises:
            LocalProtocolError: An argument is not valid. Nothing was sent.
            ConnectFailed: The service, or the proxy, cannot be reached or did not answer within
                30 seconds.
            RequestFailed: The service refused the handshake; the class says why. It may also accept
                it, and send the reason as an ``error`` event, which the loop over turns raises.
            ConnectionLost: By leaving the block without an exception, as for
                ``client.stt.manual_finalize.websocket``; its `partial` is the text of the last
                turn.
            InternalError: A task of this package crashed.
        """
        return Block(
            self._portal,
            self._inner.websocket(
                model=model,
                encoding=encoding,
                sample_rate=sample_rate,
                keyterms=keyterms,
                turn_start_threshold=turn_start_threshold,
                turn_eager_end_threshold=turn_eager_end_threshold,
                turn_end_threshold=turn_end_threshold,
                turn_end_timeout_ms=turn_end_timeout_ms,
                inbox_bytes=inbox_bytes,
                reconnect=reconnect,
            ),
            AutoFinalizeSession,
        )

"""`ManualFinalize` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from trio_cartesia._client.stt import INBOX_BYTES
from trio_cartesia._client.stt import ManualFinalize as AsyncManualFinalize
from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia._protocol.stt.settings import Reconnect
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.stt.manual_finalize_session import ManualFinalizeSession
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["ManualFinalize"]


@no_public_constructor("client.stt.manual_finalize")
@attrs.define(eq=False, init=False, repr=False)
class ManualFinalize(Wrapper[AsyncManualFinalize]):
    """Sessions in which the client decides when audio is transcribed (protocol §4.3)."""

    def websocket(
        self,
        *,
        model: str,
        encoding: STTEncoding,
        sample_rate: int,
        language: str | None = None,
        keyterms: Iterable[str] = (),
        min_volume: float | None = None,
        max_silence_duration_secs: float | None = None,
        inbox_bytes: int = INBOX_BYTES,
        reconnect: Reconnect | None = None,
    ) -> Manager[ManualFinalizeSession]:
        """Open a session for the block.

        Leaving the block without an exception ends the audio, waits at most five seconds for the
        rest of the text, and closes the connection; an exception closes it at once. An exception of
        the block leaves it unchanged.

        Args:
            model: ``"ink-2"``, ``"ink-whisper"`` or another model.
            encoding: ``"pcm_s16le"``, ``"pcm_s32le"``, ``"pcm_f16le"``, ``"pcm_f32le"``,
                ``"pcm_mulaw"`` or ``"pcm_alaw"``; always mono.
            sample_rate: Samples a second; 16000 is recommended.
            language: A language, such as ``"en"``; None for the service's default.
            keyterms: Names and terms to expect: at most 100, of at most 1,200 characters in all.
                Only for the families ``ink-2`` and ``ink-preview``.
            min_volume: The volume below which audio is silence, 0 to 1; for ``ink-whisper``.
            max_silence_duration_secs: The seconds of silence after which the service finalizes by
                itself; for ``ink-whisper``.
            inbox_bytes: The most bytes of events that wait until they are received.
            reconnect: How the session goes on when its connection is lost (see `Reconnect`); None:
                it does not.

        Raises:
            LocalProtocolError: An argument is not valid. Nothing was sent.
            ConnectFailed: The service, or the proxy, cannot be reached or did not answer within
                30 seconds. The first connection is tried once.
            RequestFailed: The service refused the handshake; the class says why. It may also accept
                it, and send the reason as an ``error`` event, which the receive loop raises.
            ConnectionLost: By leaving the block without an exception: the connection ended, or five
                seconds passed, before the service had confirmed that all audio was transcribed, and
                nothing has raised that yet; its `partial` is the `transcript`.
            InternalError: A task of this package crashed.

        Example::

            from trio_cartesia.blocking import Cartesia

            with open("speech.pcm", "rb") as file:
                audio = file.read()
            settings = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
            with (
                Cartesia() as client,
                client.stt.manual_finalize.websocket(**settings) as session,
            ):
                session.feed(audio)
                print(session.finalize())
        """
        return Block(
            self._portal,
            self._inner.websocket(
                model=model,
                encoding=encoding,
                sample_rate=sample_rate,
                language=language,
                keyterms=keyterms,
                min_volume=min_volume,
                max_silence_duration_secs=max_silence_duration_secs,
                inbox_bytes=inbox_bytes,
                reconnect=reconnect,
            ),
            ManualFinalizeSession,
        )

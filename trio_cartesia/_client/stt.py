"""``client.stt``: speech to text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar, Unpack

import attrs

from trio_cartesia._client.endpoint import Endpoint
from trio_cartesia._client.observed_session import observed
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.transcription import RecordingTranscript
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia._protocol.stt.auto import AutoProtocol
from trio_cartesia._protocol.stt.manual import ManualProtocol
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._protocol.stt.settings import (
    ManualFinalizeSettings,
    Reconnect,
    SessionSettings,
    query_string,
)
from trio_cartesia._protocol.stt.turn_settings import AutoFinalizeSettings, TurnSettings
from trio_cartesia._runtime.managers import Block, Manager
from trio_cartesia._runtime.open_session import OpenTransport
from trio_cartesia._runtime.stt.auto import AutoFinalizeSession
from trio_cartesia._runtime.stt.manual import ManualFinalizeSession
from trio_cartesia._runtime.stt.opening import open_reconnecting, open_transcription
from trio_cartesia._runtime.stt.session import TranscriptionSession

__all__ = ["INBOX_BYTES", "STT", "AutoFinalize", "ManualFinalize"]

INBOX_BYTES: Final = 16 * 2**20

S = TypeVar("S", bound=TranscriptionSession[Any])


@no_public_constructor("client.stt")
@attrs.frozen(eq=False, init=False)
class STT:
    """Speech to text, over WebSockets and HTTP (protocol §4).

    Attributes:
        auto_finalize: Sessions in which the service finds the turns of the user.
        manual_finalize: Sessions in which the client decides when audio is transcribed.
    """

    _endpoint: Endpoint = attrs.field(repr=False)

    @property
    def auto_finalize(self) -> AutoFinalize:
        """Sessions in which the service finds the turns of the user."""
        return create(AutoFinalize, self._endpoint)

    @property
    def manual_finalize(self) -> ManualFinalize:
        """Sessions in which the client decides when audio is transcribed."""
        return create(ManualFinalize, self._endpoint)

    async def transcribe(
        self,
        file: Upload,
        *,
        model: str,
        language: str | None = None,
        timestamp_granularities: Sequence[str] | None = None,
        encoding: STTEncoding | None = None,
        sample_rate: int | None = None,
        progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> RecordingTranscript:
        """Return the text of a recording (protocol §4.1); raises as `Cartesia.request`.

        Args:
            file: The recording: WAV, MP3, FLAC, Ogg, M4A or WebM, or samples without a header.
            model: ``"ink-whisper"`` or another model.
            language: A language, such as ``"en"``; None for the service's default.
            timestamp_granularities: ``["word"]`` for the times of words.
            encoding: Of samples without a header, as in `ManualFinalize.websocket`.
            sample_rate: Of samples without a header.
            progress: Called with the bytes of the recording that were sent, and its size or None.
            **options: See `RequestOptions`.
        """
        from trio_cartesia._http.transcription import transcribe

        return await transcribe(
            self._endpoint.api(),
            file,
            model=model,
            language=language,
            timestamp_granularities=timestamp_granularities,
            encoding=encoding,
            sample_rate=sample_rate,
            progress=progress,
            options=options,
        )


@no_public_constructor("client.stt.manual_finalize")
@attrs.frozen(eq=False, init=False)
class ManualFinalize:
    """Sessions in which the client decides when audio is transcribed (protocol §4.3)."""

    _endpoint: Endpoint = attrs.field(repr=False)

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
        rest of the text, and closes the connection; an exception or a cancellation closes it at
        once. An exception of the block leaves it unchanged.

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

            import trio
            from trio_cartesia import Cartesia

            async def main():
                with open("speech.pcm", "rb") as file:
                    audio = file.read()
                settings = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
                async with (
                    Cartesia() as client,
                    client.stt.manual_finalize.websocket(**settings) as session,
                ):
                    await session.feed(audio)
                    print(await session.finalize())

            trio.run(main)
        """
        settings = ManualFinalizeSettings(
            model=model,
            encoding=encoding,
            sample_rate=sample_rate,
            language=language,
            keyterms=keyterms,
            min_volume=min_volume,
            max_silence_duration_secs=max_silence_duration_secs,
        )
        opened = _open(
            ManualFinalizeSession,
            ManualProtocol(),
            self._endpoint,
            "/stt/websocket",
            settings,
            inbox_bytes,
            reconnect,
        )
        return Block(opened, "a session (client.stt.manual_finalize.websocket)")


@no_public_constructor("client.stt.auto_finalize")
@attrs.frozen(eq=False, init=False)
class AutoFinalize:
    """Sessions in which the service finds the turns of the user (protocol §4.4)."""

    _endpoint: Endpoint = attrs.field(repr=False)

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
        turn = TurnSettings(
            start_threshold=turn_start_threshold,
            eager_end_threshold=turn_eager_end_threshold,
            end_threshold=turn_end_threshold,
            end_timeout_ms=turn_end_timeout_ms,
        )
        settings = AutoFinalizeSettings(
            model=model,
            encoding=encoding,
            sample_rate=sample_rate,
            keyterms=keyterms,
            turn=turn,
        )
        opened = _open(
            AutoFinalizeSession,
            AutoProtocol(turn, settings.input_format),
            self._endpoint,
            "/stt/turns/websocket",
            settings,
            inbox_bytes,
            reconnect,
        )
        return Block(opened, "a session (client.stt.auto_finalize.websocket)")


def _open(
    kind: type[S],
    protocol: TranscriptProtocol,
    endpoint: Endpoint,
    path: str,
    settings: SessionSettings,
    inbox_bytes: int,
    reconnect: Reconnect | None,
) -> Manager[S]:
    """Return a manager of a session of a *kind*, each of whose connections is to *path*."""
    checks.positive_whole(inbox_bytes, "inbox_bytes")

    async def connect() -> OpenTransport:
        query = query_string(protocol.opening_settings(settings))
        return await endpoint.transport_to(endpoint.base.websocket(path, query))

    input_format = settings.input_format
    if reconnect is None:
        opened = open_transcription(kind, protocol, connect, input_format, inbox_bytes)
    elif isinstance(reconnect, Reconnect):
        opened = open_reconnecting(kind, protocol, connect, input_format, inbox_bytes, reconnect)
    else:
        found = type(reconnect).__name__  # type: ignore[unreachable]  # callers may have no types
        raise LocalProtocolError(f"reconnect must be a Reconnect or None, not {found}")
    return observed(opened, endpoint, path, settings.model)

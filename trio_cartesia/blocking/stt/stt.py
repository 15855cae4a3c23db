"""`STT` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import attrs

from trio_cartesia._client.stt import STT as AsyncSTT
from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._protocol.rest.transcription import RecordingTranscript
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia.blocking.stt.auto_finalize import AutoFinalize
from trio_cartesia.blocking.stt.manual_finalize import ManualFinalize
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["STT"]


@no_public_constructor("client.stt")
@attrs.define(eq=False, init=False, repr=False)
class STT(Wrapper[AsyncSTT]):
    """Speech to text, over WebSockets and HTTP (protocol §4).

    Attributes:
        auto_finalize: Sessions in which the service finds the turns of the user.
        manual_finalize: Sessions in which the client decides when audio is transcribed.
    """

    @property
    def auto_finalize(self) -> AutoFinalize:
        """Sessions in which the service finds the turns of the user."""
        return create(AutoFinalize, self._portal, self._inner.auto_finalize)

    @property
    def manual_finalize(self) -> ManualFinalize:
        """Sessions in which the client decides when audio is transcribed."""
        return create(ManualFinalize, self._portal, self._inner.manual_finalize)

    def transcribe(
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
        return self._portal.run(
            self._inner.transcribe,
            file,
            model=model,
            language=language,
            timestamp_granularities=timestamp_granularities,
            encoding=encoding,
            sample_rate=sample_rate,
            progress=progress,
            **options,
        )

"""`VoiceChanger` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.resources.voice_changer import VoiceChanger as AsyncVoiceChanger
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.resources.audio_response import AudioResponse
from trio_cartesia.blocking.resources.events_response import EventsResponse
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["VoiceChanger"]


@no_public_constructor("client.voice_changer")
@attrs.define(eq=False, init=False, repr=False)
class VoiceChanger(Wrapper[AsyncVoiceChanger]):
    """Recordings in another voice (protocol §3.4); each method raises as `Cartesia.request`."""

    def generate(
        self,
        *,
        clip: Upload,
        voice_id: str,
        output_format_container: str,
        output_format_sample_rate: int,
        output_format_encoding: str | None = None,
        output_format_bit_rate: int | None = None,
        progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> Manager[AudioResponse]:
        """Speak a recording in another voice; the block receives the audio (protocol §3.4).

        Args:
            clip: The recording.
            voice_id: The id of the voice.
            output_format_container: ``"raw"``, ``"wav"`` or ``"mp3"``.
            output_format_sample_rate: As in `RawOutputFormat`.
            output_format_encoding: For ``"raw"`` and ``"wav"``, as in `RawOutputFormat`.
            output_format_bit_rate: For ``"mp3"``, as in `MP3OutputFormat`.
            progress: Called with the bytes of the recording that were sent, and its size or None.
            **options: See `RequestOptions`.
        """
        return Block(
            self._portal,
            self._inner.generate(
                clip=clip,
                voice_id=voice_id,
                output_format_container=output_format_container,
                output_format_sample_rate=output_format_sample_rate,
                output_format_encoding=output_format_encoding,
                output_format_bit_rate=output_format_bit_rate,
                progress=progress,
                **options,
            ),
            AudioResponse,
        )

    def generate_sse(
        self,
        *,
        clip: Upload,
        voice_id: str,
        output_format_container: str,
        output_format_sample_rate: int,
        output_format_encoding: str | None = None,
        output_format_bit_rate: int | None = None,
        progress: Progress | None = None,
        **options: Unpack[RequestOptions],
    ) -> Manager[EventsResponse]:
        """Speak a recording in another voice; the block receives events (protocol §3.4).

        Args:
            clip: The recording.
            voice_id: The id of the voice.
            output_format_container: ``"raw"``, ``"wav"`` or ``"mp3"``.
            output_format_sample_rate: As in `RawOutputFormat`.
            output_format_encoding: For ``"raw"`` and ``"wav"``, as in `RawOutputFormat`.
            output_format_bit_rate: For ``"mp3"``, as in `MP3OutputFormat`.
            progress: Called with the bytes of the recording that were sent, and its size or None.
            **options: See `RequestOptions`.
        """
        return Block(
            self._portal,
            self._inner.generate_sse(
                clip=clip,
                voice_id=voice_id,
                output_format_container=output_format_container,
                output_format_sample_rate=output_format_sample_rate,
                output_format_encoding=output_format_encoding,
                output_format_bit_rate=output_format_bit_rate,
                progress=progress,
                **options,
            ),
            EventsResponse,
        )

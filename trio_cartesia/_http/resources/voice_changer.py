"""``client.voice_changer``: a recording in another voice."""

from __future__ import annotations

from typing import Final, Unpack

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.api import API
from trio_cartesia._http.endpoint import endpoint
from trio_cartesia._http.requests import RequestOptions
from trio_cartesia._http.responses import AudioResponse, EventsResponse
from trio_cartesia._http.uploads import Progress, Upload
from trio_cartesia._runtime.managers import Manager

__all__ = ["VoiceChanger"]

FORMAT_NAMES: Final = {
    "voice_id": "voice[id]",
    "output_format_container": "output_format[container]",
    "output_format_sample_rate": "output_format[sample_rate]",
    "output_format_encoding": "output_format[encoding]",
    "output_format_bit_rate": "output_format[bit_rate]",
}


@no_public_constructor("client.voice_changer")
@attrs.frozen(eq=False, init=False)
class VoiceChanger:
    """Recordings in another voice (protocol §3.4); each method raises as `Cartesia.request`."""

    _api: API = attrs.field(repr=False)

    @endpoint("POST", "/voice-changer/bytes", names=FORMAT_NAMES, form=True)
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

    @endpoint("POST", "/voice-changer/sse", names=FORMAT_NAMES, form=True)
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

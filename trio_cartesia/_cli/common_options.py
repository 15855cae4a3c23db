"""Options that several commands have: of speech, and of the service."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import attrs
from cyclopts import Parameter

from trio_cartesia import ContextOptions, RawOutputFormat

__all__ = ["DEFAULT_SERVICE", "DEFAULT_SPEECH", "Flag", "ServiceChoice", "SpeechSettings"]

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Encoding = Literal["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
SampleRate = Literal[8000, 16000, 22050, 24000, 44100, 48000]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class SpeechSettings:
    """How texts are spoken, and in which format.

    Attributes:
        voice: The id of a voice, as GET /voices lists them.
        model: The id of a model.
        language: The language of the texts.
        encoding: The encoding of the samples.
        sample_rate: Samples per second.
        raw: Write samples without the header of a WAV file (.pcm).
        speed: The speed of the speech, 0.6 to 1.5 times the usual.
        volume: Its volume, 0.5 to 2.0 times the usual.
        emotion: Its emotion, such as happy or calm.
    """

    voice: str = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
    model: str = "sonic-latest"
    language: str = "en"
    encoding: Encoding = "pcm_s16le"
    sample_rate: SampleRate = 44100
    raw: Flag = False
    speed: float | None = None
    volume: float | None = None
    emotion: str | None = None

    @property
    def output_format(self) -> RawOutputFormat:
        """The layout of the audio."""
        return RawOutputFormat(encoding=self.encoding, sample_rate=self.sample_rate)

    def options(self) -> ContextOptions:
        """Return the settings of contexts."""
        options = ContextOptions(
            model_id=self.model,
            voice=self.voice,
            language=self.language,
            output_format=self.output_format,
        )
        given = {"speed": self.speed, "volume": self.volume, "emotion": self.emotion}
        if config := {name: value for name, value in given.items() if value is not None}:
            options["generation_config"] = config
        return options


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ServiceChoice:
    """Which service is used, and what is shown on standard error.

    Attributes:
        local: Use a local service, which ends with the command, even if CARTESIA_API_KEY or
            CARTESIA_BASE_URL is set.
        allow_insecure: Accept a CARTESIA_BASE_URL with plain http:// to another machine, such as a
            local service on a trusted network. The key is sent unencrypted.
        quiet: Show errors alone: neither progress nor notes.
        debug: Show tracebacks of errors.
    """

    local: Flag = False
    allow_insecure: Flag = False
    quiet: Flag = False
    debug: Flag = False


DEFAULT_SPEECH: Final = SpeechSettings()
DEFAULT_SERVICE: Final = ServiceChoice()

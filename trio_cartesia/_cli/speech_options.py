"""The options that all commands that speak have in common."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from cyclopts import Parameter

from trio_cartesia import ContextOptions, RawOutputFormat

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_VOICE",
    "Encoding",
    "Flag",
    "SampleRate",
    "speech_options",
]

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Encoding = Literal["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
SampleRate = Literal[8000, 16000, 22050, 24000, 44100, 48000]
DEFAULT_VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
DEFAULT_MODEL: Final = "sonic-latest"


def speech_options(
    *,
    model: str,
    voice: str,
    language: str,
    output_format: RawOutputFormat,
    speed: float | None,
    volume: float | None,
    emotion: str | None,
) -> ContextOptions:
    """Return the settings of the contexts, of the values of the options."""
    options = ContextOptions(
        model_id=model, voice=voice, language=language, output_format=output_format
    )
    given = {"speed": speed, "volume": volume, "emotion": emotion}
    if config := {name: value for name, value in given.items() if value is not None}:
        options["generation_config"] = config
    return options

"""Requests for speech over HTTP: ``tts.generate``, ``generate_sse`` and ``infill``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal, NotRequired

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.api import API
from trio_cartesia._http.multipart import Multipart, form_fields
from trio_cartesia._http.requests import Request, RequestOptions
from trio_cartesia._http.responses import AudioResponse, EventsResponse
from trio_cartesia._http.streams import open_audio, open_events
from trio_cartesia._http.uploads import Progress, Upload, source_of
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.speech import bytes_body, events_body
from trio_cartesia._protocol.tts.formats import GenerationConfig, OutputFormat, output_format
from trio_cartesia._protocol.tts.settings import voice_id
from trio_cartesia._runtime.managers import Manager

__all__ = ["BytesOptions", "EventsOptions", "InfillOptions", "generate", "generate_sse", "infill"]

BYTES: Final = "/tts/bytes"
EVENTS: Final = "/tts/sse"
INFILL: Final = "/infill/bytes"


def _text(value: object) -> str:
    if not (text := checks.text(value, "transcript")):
        raise LocalProtocolError("transcript must not be empty")
    return text


INFILL_FIELDS: Final[Mapping[str, Callable[[object], object]]] = {  # and their checks
    "model_id": partial(checks.printable, name="model_id"),
    "language": partial(checks.printable, name="language"),
    "transcript": _text,
    "voice_id": partial(voice_id, name="voice_id"),
    "output_format": output_format,
}


class _SpeechOptions(RequestOptions):
    model_id: str
    transcript: str
    voice: str | Mapping[str, str]
    output_format: OutputFormat | Mapping[str, object]
    language: NotRequired[str | None]
    locale: NotRequired[str | None]
    normalization: NotRequired[str | None]
    pronunciation_dict_id: NotRequired[str | None]
    generation_config: NotRequired[GenerationConfig | Mapping[str, object] | None]
    speed: NotRequired[Literal["slow", "normal", "fast"] | None]
    duration: NotRequired[float | None]


class BytesOptions(_SpeechOptions):
    """The keyword arguments of ``tts.generate``.

    They are the settings of a context (`ContextSettings`) that HTTP has, the whole ``transcript``,
    ``save``, with which the service keeps the audio as a file, and those of `RequestOptions`. The
    ``output_format`` may be raw, WAV or MP3.
    """

    save: NotRequired[bool | None]


class EventsOptions(_SpeechOptions):
    """The keyword arguments of ``tts.generate_sse``.

    They are the settings of a context (`ContextSettings`) that HTTP has, the whole ``transcript``,
    a ``context_id``, which the service repeats in each event, and those of `RequestOptions`. The
    ``output_format`` is raw.
    """

    add_timestamps: NotRequired[bool | None]
    add_phoneme_timestamps: NotRequired[bool | None]
    use_normalized_timestamps: NotRequired[bool | None]
    context_id: NotRequired[str | None]


class InfillOptions(RequestOptions):
    """The keyword arguments of ``tts.infill``, and those of `RequestOptions`.

    Attributes:
        model_id: A model for infills, such as ``"sonic-3"``.
        language: The language of the text.
        transcript: The text between the recordings.
        voice_id: The id of a voice.
        output_format: A `RawOutputFormat`, `WavOutputFormat` or `MP3OutputFormat`, or a mapping
            with a ``container``.
        left_audio: The recording before the text; this, *right_audio* or both.
        right_audio: The recording after the text.
        progress: Called with the bytes of recordings that were sent, and their size or None.
    """

    model_id: str
    language: str
    transcript: str
    voice_id: str
    output_format: OutputFormat | Mapping[str, object]
    left_audio: NotRequired[Upload | None]
    right_audio: NotRequired[Upload | None]
    progress: NotRequired[Progress | None]


def generate(api: API, settings: Mapping[str, Any]) -> Manager[AudioResponse]:
    """Return the block that receives speech as bytes."""
    given, options = _parted(settings)
    body = bytes_body(given, voice_as_object=api.voice_as_object)
    return open_audio(api, Request(method="POST", path=BYTES, json=body), options)


def generate_sse(api: API, settings: Mapping[str, Any]) -> Manager[EventsResponse]:
    """Return the block that receives speech as events."""
    given, options = _parted(settings)
    body = events_body(given, voice_as_object=api.voice_as_object)
    request = Request(method="POST", path=EVENTS, json=body)
    return open_events(api, request, options, body.get("context_id", ""))


def infill(api: API, settings: Mapping[str, Any]) -> Manager[AudioResponse]:
    """Return the block that receives the speech between two recordings."""
    given, options = _parted(settings)
    progress = given.pop("progress", None)
    recordings = [(name, given.pop(name, None)) for name in ("left_audio", "right_audio")]
    files = [(name, source_of(each, name)) for name, each in recordings if each is not None]
    if not files:
        raise LocalProtocolError("an infill needs left_audio, right_audio or both")
    if unknown := given.keys() - INFILL_FIELDS.keys():
        raise LocalProtocolError(f"there is no setting {', '.join(sorted(unknown))}")
    if missing := INFILL_FIELDS.keys() - given.keys():
        raise LocalProtocolError(f"an infill needs {', '.join(sorted(missing))}")
    fields = form_fields({name: INFILL_FIELDS[name](value) for name, value in given.items()})
    form = Multipart(fields=fields, files=files, progress=progress)
    return open_audio(api, Request(method="POST", path=INFILL, form=form), options)


def _parted(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of speech, and the options of the request."""
    names = RequestOptions.__annotations__.keys()
    options = {name: value for name, value in settings.items() if name in names}
    return {name: value for name, value in settings.items() if name not in names}, options

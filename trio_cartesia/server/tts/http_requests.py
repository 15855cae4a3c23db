"""Parse the bodies of `/tts/bytes` and `/tts/sse` (protocol §3.1, §3.2).

A request over HTTP is a context with a single, final input, so its fields are parsed like those of
an input on a WebSocket. The fields for continuations are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES, SampleFormat
from trio_cartesia.server.audio.containers import Audio
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect, Fields, read_body
from trio_cartesia.server.messages.inputs import DEFAULT_DELAY_MS, Generation, read_generation

__all__ = ["BytesRequest", "SseRequest", "read_bytes_request", "read_sse_request"]

BIT_RATES: Final = (32000, 64000, 96000, 128000, 192000)
CONTINUATION: Final = ("continue", "flush")
TIMES: Final = ("add_timestamps", "add_phoneme_timestamps", "use_normalized_timestamps")


@attrs.frozen(kw_only=True)
class BytesRequest:
    """One request for bytes.

    Attributes:
        generation: The input; its output is the encoding of the samples in the container.
        audio: The container.
        save: Whether to store the response as a file.
    """

    generation: Generation
    audio: Audio
    save: bool


@attrs.frozen(kw_only=True)
class SseRequest:
    """One request for events.

    Attributes:
        generation: The input.
        context_id: The context id of each event; None if the request has none.
    """

    generation: Generation
    context_id: str | None


def read_bytes_request(body: bytes, *, dialect: Dialect, request_id: str) -> BytesRequest:
    """Read the body of `/tts/bytes`.

    Args:
        body: The body of the request.
        dialect: The version and behaviour to parse it by.
        request_id: The id of the context.

    Raises:
        APIError: The body is not valid.
    """
    fields = Fields(read_body(body), dialect=dialect)
    audio = _read_audio(fields.inner("output_format", required=True))
    save = fields.flag("save")
    silent = dict.fromkeys(TIMES)  # bytes carry no times
    generation = _read_generation(fields, audio, request_id, silent)
    return BytesRequest(generation=generation, audio=audio, save=save)


def read_sse_request(body: bytes, *, dialect: Dialect, request_id: str) -> SseRequest:
    """Read the body of `/tts/sse`; the arguments are those of `read_bytes_request`.

    Raises:
        APIError: The body is not valid.
    """
    fields = Fields(read_body(body), dialect=dialect)
    output = fields.inner("output_format", required=True)
    output.choice("container", ("raw",), required=True)
    given = None if fields.values.get("context_id") is None else fields.nonempty_text("context_id")
    generation = _read_generation(fields, _read_audio(output), given or request_id, {})
    return SseRequest(generation=generation, context_id=given)


def _read_audio(output: Fields) -> Audio:
    container = output.choice("container", ("raw", "wav", "mp3"), required=True)
    is_mp3 = container == "mp3"
    encoding: Any = "pcm_s16le"
    if not is_mp3:
        encoding = output.choice("encoding", ENCODINGS, required=True)
    sample_rate = output.choice("sample_rate", SAMPLE_RATES, required=True)
    return Audio(
        container=container,
        samples=SampleFormat(encoding=encoding, sample_rate=sample_rate),
        bit_rate=output.choice("bit_rate", BIT_RATES, required=True) if is_mp3 else 0,
    )


def _read_generation(
    fields: Fields, audio: Audio, context_id: str, others: Mapping[str, Any]
) -> Generation:
    """Read the fields as those of an input on a WebSocket, with the values in *others*."""
    values = {
        **{name: value for name, value in fields.values.items() if name not in CONTINUATION},
        "output_format": {"container": "raw", **attrs.asdict(audio.samples)},
        "max_buffer_delay_ms": DEFAULT_DELAY_MS,
        **others,
    }
    generation = read_generation(attrs.evolve(fields, values=values), context_id)
    if not generation.transcript:  # protocol §2.6
        raise APIError(invalid("There is nothing to speak: transcript is empty."))
    return generation

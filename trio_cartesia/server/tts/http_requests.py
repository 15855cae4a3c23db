"""Parse the bodies of `/tts/bytes` and `/tts/sse` (protocol §3.1, §3.2).

A request over HTTP is a context with a single, final input, so its fields are parsed like those of
an input on a WebSocket. The fields for continuations are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from trio_cartesia._protocol.base.audio import ENCODINGS, SAMPLE_RATES, SampleFormat
from trio_cartesia.server.audio.containers import Audio
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect, Fields, read_body
from trio_cartesia.server.messages.inputs import DEFAULT_DELAY_MS, Generation, read_generation

__all__ = [
    "CONTAINERS",
    "BytesRequest",
    "SseRequest",
    "read_audio",
    "read_bytes_request",
    "read_single_input",
    "read_sse_request",
]

CONTAINERS: Final = ("raw", "wav", "mp3")

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
    audio = read_audio(fields.inner("output_format", required=True), CONTAINERS)
    save = fields.flag("save")
    generation = read_single_input(fields, audio, request_id)
    return BytesRequest(generation=generation, audio=audio, save=save)


def read_sse_request(body: bytes, *, dialect: Dialect, request_id: str) -> SseRequest:
    """Read the body of `/tts/sse`; the arguments are those of `read_bytes_request`.

    Raises:
        APIError: The body is not valid.
    """
    fields = Fields(read_body(body), dialect=dialect)
    audio = read_audio(fields.inner("output_format", required=True), ("raw",))
    given = None if fields.values.get("context_id") is None else fields.nonempty_text("context_id")
    generation = read_single_input(fields, audio, given or request_id, may_have_times=True)
    return SseRequest(generation=generation, context_id=given)


def read_audio(output: Fields, containers: Sequence[str]) -> Audio:
    """Read an ``output_format``, with one of *containers*."""
    container = output.choice("container", containers, required=True)
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


def read_single_input(
    fields: Fields, audio: Audio, context_id: str, *, may_have_times: bool = False
) -> Generation:
    """Read the fields as those of a final input on a WebSocket, for samples in *audio*.

    Raises:
        APIError: A field is not valid, or the transcript is empty.
    """
    values = {
        **{name: value for name, value in fields.values.items() if name not in CONTINUATION},
        "output_format": {"container": "raw", **attrs.asdict(audio.samples)},
        "max_buffer_delay_ms": DEFAULT_DELAY_MS,
        **({} if may_have_times else dict.fromkeys(TIMES)),
    }
    generation = read_generation(attrs.evolve(fields, values=values), context_id)
    if not generation.transcript:  # protocol §2.6
        raise APIError(invalid("There is nothing to speak: transcript is empty."))
    return generation

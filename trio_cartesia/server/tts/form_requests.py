"""Parse the bodies of `/infill/bytes` and the voice changer, which are forms (protocol §3.3, §3.4).

Their fields are parsed like those of the JSON bodies of `/tts/bytes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia.server.audio.clips import decode_to
from trio_cartesia.server.audio.containers import Audio
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.messages.multipart import Form
from trio_cartesia.server.messages.settings import MODEL_NOT_FOUND, read_voice
from trio_cartesia.server.tts.http_requests import CONTAINERS, read_audio, read_single_input

__all__ = ["ChangeRequest", "InfillRequest", "read_change_request", "read_infill_request"]

INFILL_MODELS: Final = ("sonic-3", "sonic-3-2026-01-12", "sonic-3-2025-10-27")  # protocol §1.9
SIDES: Final = ("left_audio", "right_audio")
NO_SIDES: Final = invalid("left_audio and right_audio are missing: send one of them at least.")


@attrs.frozen(kw_only=True)
class InfillRequest:
    """One request for speech between two recordings.

    Attributes:
        generation: The input; its output is the encoding of the samples in the container.
        audio: The container.
        left: The recording before the speech, decoded to the samples of *audio*; likewise `right`.
    """

    generation: Generation
    audio: Audio
    left: Iterator[bytes]
    right: Iterator[bytes]


@attrs.frozen(kw_only=True)
class ChangeRequest:
    """One request to speak a recording in another voice.

    Attributes:
        clip: The recording, as it was uploaded.
        audio: The container of the response.
    """

    clip: bytes = attrs.field(repr=lambda clip: f"<{len(clip)} bytes>")
    voice_id: str
    audio: Audio


def read_infill_request(form: Form, *, dialect: Dialect, request_id: str) -> InfillRequest:
    """Read the body of `/infill/bytes`.

    Args:
        form: The body of the request.
        dialect: The version and behaviour to parse it by.
        request_id: The id of the context.

    Raises:
        APIError: The body is not valid, or a recording cannot be decoded.
    """
    fields = form.fields(dialect)
    audio = read_audio(fields.inner("output_format", required=True), CONTAINERS)
    if fields.nonempty_text("model_id") not in INFILL_MODELS:
        raise APIError(MODEL_NOT_FOUND)
    values = {**fields.values, "voice": fields.nonempty_text("voice_id")}
    generation = read_single_input(attrs.evolve(fields, values=values), audio, request_id)
    if not any(side in form.files for side in SIDES):
        raise APIError(NO_SIDES)
    left, right = (
        decode_to(form.file(side).content, audio.samples) if side in form.files else iter(())
        for side in SIDES
    )
    return InfillRequest(generation=generation, audio=audio, left=left, right=right)


def read_change_request(
    form: Form, *, dialect: Dialect, containers: tuple[str, ...] = CONTAINERS
) -> ChangeRequest:
    """Read the body of `/voice-changer/bytes` or `/voice-changer/sse`.

    Args:
        form: The body of the request.
        dialect: The version and behaviour to parse it by.
        containers: The containers that the endpoint has.

    Raises:
        APIError: The body is not valid.
    """
    fields = form.fields(dialect)
    return ChangeRequest(
        audio=read_audio(fields.inner("output_format", required=True), containers),
        voice_id=read_voice(fields),
        clip=form.file("clip").content,
    )

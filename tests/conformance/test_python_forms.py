"""The official Python client where it uploads recordings: infill and the voice changer."""

from __future__ import annotations

import base64
import io
import wave

import pytest

from tests.conformance.python import (
    HELLO,
    MARKS,
    NO_VOICE,
    RAW,
    SETTINGS,
    cartesia,
    on_asyncio,
    open_client,
    pydantic,
)

pytestmark = MARKS

OTHER = "a0e99841-438c-4a64-b679-ae501e7d6091"
WAV = RAW | {"container": "wav"}
CHANGE = {"voice_id": OTHER} | {f"output_format_{name}": value for name, value in RAW.items()}
INFILL = {
    "model_id": "sonic-3",
    "language": "en",
    "transcript": HELLO,
    "voice_id": SETTINGS["voice"],
    "output_format": RAW,
}


def recording() -> bytes:
    """A WAV of a second that the service has not spoken."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x00\x10\x00\xf0" * 4000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "sides", [("left_audio",), ("right_audio",), ("left_audio", "right_audio")]
)
@on_asyncio
async def test_infill(service, form, sides):
    """Speech between recordings is what the service spoke, and nothing of the recordings."""
    async with open_client(form) as client:
        clips = dict.fromkeys(sides, ("clip.wav", recording()))
        response = await client.tts.with_raw_response.infill(**INFILL, **clips)
        body = await response.read()
    record = service.record(response.headers["x-request-id"])
    assert body == record.audio
    assert record.transcript == HELLO
    assert len(body) > 8000


@pytest.mark.parametrize("container", ["raw", "wav", "mp3"])
@on_asyncio
async def test_own_speech_in_another_voice(service, form, container):
    """Speech of the service is the same text in the other voice, and not the other's audio."""
    output = RAW | {"container": container, "bit_rate": 64000}
    speech = SETTINGS | {"transcript": HELLO, "output_format": output}
    async with open_client(form) as client:
        own = await (await client.tts.generate(**speech)).read()
        raw = client.voice_changer.with_raw_response
        response = await raw.generate(clip=own, **CHANGE)
        body = await response.read()
    record = service.record(response.headers["x-request-id"])
    assert body == record.audio != own
    assert record.transcript == HELLO


@on_asyncio
async def test_a_recording_in_another_voice(service, form):
    """Another recording keeps its length, as an MP3 or as events, and it is what was sent."""
    mp3 = {"output_format_container": "mp3", "output_format_bit_rate": 64000}
    async with open_client(form) as client:
        changer = client.voice_changer
        response = await changer.generate(clip=recording(), **CHANGE | mp3)
        body = await response.read()
        events = await changer.generate_sse(clip=("clip.wav", recording()), **CHANGE)
        checked = pydantic.TypeAdapter(cartesia.types.VoiceChangerSSEEvent)
        *chunks, end = [event async for event in events]
        for event in (*chunks, end):
            checked.validate_python(event.model_dump(), strict=True)
    assert len(body) * 8 / 64000 == pytest.approx(1, abs=0.2)
    assert end.done
    assert {event.sample_rate for event in chunks} == {16000}
    assert len(b"".join(base64.b64decode(event.data) for event in chunks)) == 32000


@on_asyncio
async def test_recordings_that_are_refused(service, form):
    """What is no recording, too large or for an unknown voice has the code for it."""
    async with open_client(form) as client:
        generate = client.voice_changer.generate
        for clip, changes, kind, status, code in (
            (b"what", {}, cartesia.BadRequestError, 400, "unsupported_audio_format"),
            (bytes(33 * 2**20), {}, cartesia.APIStatusError, 413, "file_too_large"),
            (recording(), {"voice_id": NO_VOICE}, cartesia.NotFoundError, 404, "voice_not_found"),
        ):
            with pytest.raises(kind) as caught:
                await generate(clip=clip, **CHANGE | changes)
            assert caught.value.status_code == status
            assert caught.value.body["error_code"] == code
        with pytest.raises(cartesia.BadRequestError) as caught:
            await client.tts.infill(**INFILL)
        assert "left_audio" in caught.value.body["message"]

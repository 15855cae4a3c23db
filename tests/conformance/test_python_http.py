"""The official Python client over HTTP: whole answers and events."""

from __future__ import annotations

import io
import wave

import pytest

from tests.conformance.expectations import expect_module
from tests.conformance.python import (
    HELLO,
    MARKS,
    RAW,
    SETTINGS,
    cartesia,
    hear,
    on_asyncio,
    open_client,
    spoken_alike,
)

pytestmark = MARKS
httpx = expect_module("httpx")

PLAIN = {"model_id": SETTINGS["model_id"], "voice": SETTINGS["voice"], "transcript": HELLO}


@pytest.mark.parametrize("encoding", ["pcm_s16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"])
@on_asyncio
async def test_raw_bytes(service, form, encoding):
    """A raw answer is what the service spoke."""
    async with open_client(form) as client:
        raw = client.tts.with_raw_response
        response = await raw.generate(**PLAIN, output_format=RAW | {"encoding": encoding})
        body = await response.read()
    record = service.record(response.headers["x-request-id"])
    assert body == record.audio
    assert len(body) > 8000


@on_asyncio
async def test_wav_bytes(service, form):
    """A WAV answer decodes to what the service spoke."""
    wav = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24000}
    async with open_client(form) as client:
        response = await client.tts.with_raw_response.generate(**PLAIN, output_format=wav)
        body = await response.read()
    record = service.record(response.headers["x-request-id"])
    with wave.open(io.BytesIO(body)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24000)
        frames = file.readframes(10**8)
    assert frames
    assert record.audio.endswith(frames)


@pytest.mark.parametrize("bit_rate", [32000, 192000])
@on_asyncio
async def test_mp3_bytes(service, form, bit_rate):
    """An MP3 answer is of frames of the bit rate that was asked for, and as long as the speech."""
    mp3 = {"container": "mp3", "sample_rate": 44100, "bit_rate": bit_rate}
    async with open_client(form) as client:
        response = await client.tts.generate(**PLAIN, output_format=mp3)
        body = await response.read()
        plain = await client.tts.generate(**PLAIN, output_format=RAW)
        seconds = len(await plain.read()) / 32000
    assert body[0] == 0xFF
    assert body[1] & 0xE0 == 0xE0
    assert len(body) * 8 / bit_rate == pytest.approx(seconds, abs=0.2)


@on_asyncio
async def test_streamed_bytes(service, form):
    """An answer can be taken piece by piece as it is spoken."""
    async with open_client(form) as client:
        streamed = client.tts.with_streaming_response
        async with streamed.generate(**PLAIN, output_format=RAW) as response:
            pieces = [piece async for piece in response.iter_bytes(1024)]
    record = service.record(response.headers["x-request-id"])
    assert b"".join(pieces) == record.audio


@on_asyncio
async def test_events(service, form):
    """Server-sent events carry the audio, and end with done."""
    async with open_client(form) as client:
        events = await client.tts.generate_sse(**PLAIN, output_format=RAW, context_id=f"sse-{form}")
        heard = await hear(events, cartesia.types.TTSSSEEvent)
    spoken_alike(heard, service.record(f"sse-{form}"))
    assert set(heard.kinds) == {"chunk", "done"}
    assert {event.context_id for event in heard.events} == {f"sse-{form}"}


@on_asyncio
async def test_events_with_timestamps(service, form):
    """With timestamps, words and phonemes come between the chunks."""
    async with open_client(form) as client:
        events = await client.tts.generate_sse(
            **PLAIN,
            output_format=RAW,
            context_id=f"times-{form}",
            add_timestamps=True,
            add_phoneme_timestamps=True,
        )
        heard = await hear(events, cartesia.types.TTSSSEEvent)
    spoken_alike(heard, service.record(f"times-{form}"))
    assert [word for word, _, _ in heard.units("word")] == HELLO.split()
    assert heard.units("phoneme")


@on_asyncio
async def test_leaving_early_ends_the_speech(service, form):
    """Who closes the connection in the middle is not spoken to any longer."""
    plain = PLAIN | {"transcript": HELLO * 1000, "context_id": f"left-{form}"}
    async with open_client(form) as client:
        events = await client.tts.generate_sse(**plain, output_format=RAW)
        async for _ in events:
            break
        await events.close()
    assert service.record(f"left-{form}").ended in ("lost", "cancelled")


@on_asyncio
async def test_speed_and_locale(service, form):
    """Speech of another speed is of another length; a locale may stand for the language."""
    lengths = []
    async with open_client(form) as client:
        for speed in (0.7, 1.0, 1.4):
            response = await client.tts.generate(
                **PLAIN,
                output_format=RAW,
                locale="en-GB",
                generation_config={"speed": speed, "volume": 1.5, "emotion": "excited"},
            )
            lengths.append(len(await response.read()))
    slow, usual, fast = lengths
    assert slow > usual > fast


@on_asyncio
async def test_saved_speech(service, form):
    """Speech that is to be saved has an id, under which the service has the same speech again."""
    wav = {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 24000}
    async with open_client(form) as client:
        raw = client.tts.with_raw_response
        response = await raw.generate(**PLAIN, output_format=wav, save=True)
        body = await response.read()
        path = f"/files/{response.headers['cartesia-file-id']}/download"
        saved = (await client.get(path, cast_to=httpx.Response)).content
    assert saved[44:] == body[44:]
    with wave.open(io.BytesIO(saved)) as file:  # its sizes are right, now that they are known
        assert file.getnframes() * 2 == len(body) - 44


@on_asyncio
async def test_status(service, form):
    """The status needs no key, and tells a version."""
    async with open_client(form, api_key="sk_car_wrong") as client:
        status = await client.get_status()
    assert status.ok is True
    assert status.version

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.http_client import (
    MP3,
    WAV_S16,
    Answer,
    Cut,
    HttpClient,
    an_error,
    over_http,
    upload,
)
from tests.server.support import S16, TWO_SENTENCES, Json, on_virtual_time, tones
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server import Behaviour

INFILL = "/infill/bytes"
WAV_HEADER = SampleFormat(encoding="pcm_s16le", sample_rate=8000).wav_header()
WAV = SampleFormat(encoding="pcm_s16le", sample_rate=8000).wav_header(2000) + bytes(2000)
LEFT = {"left_audio": ("left.wav", WAV, "audio/wav")}
RIGHT = {"right_audio": ("right.wav", WAV, "audio/wav")}
FIELDS: Json = {
    "model_id": "sonic-3",
    "language": "en",
    "transcript": TWO_SENTENCES,
    "voice_id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": S16,
}


async def infill(client: HttpClient, files: Any = LEFT, **changes: Any) -> Answer:
    return await upload(client, INFILL, {**FIELDS, **changes}, files)


@pytest.mark.parametrize("files", [LEFT, RIGHT, LEFT | RIGHT])
@on_virtual_time
async def test_the_text_is_spoken_without_the_recordings(files: Any) -> None:
    """The answer is the speech of the text alone, whichever recordings are there."""
    async with over_http() as (client, server):
        answer = await infill(client, files)
        (record,) = server.journal.contexts
    assert (answer.status, answer.body) == (200, await tones(TWO_SENTENCES))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (record.path, record.ended, record.transcript) == (INFILL, "done", TWO_SENTENCES)
    assert record.audio == answer.body
    assert record.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("output", [S16, WAV_S16, MP3])
@on_virtual_time
async def test_it_is_that_of_speech_over_http(output: Json) -> None:
    """In each container, the answer is that of /tts/bytes."""
    async with over_http() as (client, _):
        answer = await infill(client, output_format=output)
        plain = await client.bytes(
            TWO_SENTENCES, model_id="sonic-3", language="en", output_format=output
        )
    assert (answer.status, answer.body) == (200, plain.body)
    assert answer.headers["content-type"] == plain.headers["content-type"]


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("model_id", None, 400, None),
        ("model_id", "sonic-3.5", 400, "model_not_found"),
        ("transcript", None, 400, None),
        ("voice_id", None, 400, None),
        ("voice_id", "nobody", 404, "voice_not_found"),
        ("language", "tlh", 400, "language_not_supported"),
        ("output_format", None, 400, None),
        ("output_format", {**S16, "sample_rate": 11025}, 400, None),
        ("output_format", {**S16, "encoding": None}, 400, None),
        ("output_format", {"container": "mp3", "sample_rate": 8000}, 400, None),
    ],
)
@on_virtual_time
async def test_fields_are_needed_and_checked(
    name: str, value: Any, status: int, code: str | None
) -> None:
    """A field that is missing or wrong is refused, and the connection serves the next request."""
    async with over_http() as (client, server):
        answer = await infill(client, **{name: value})
        assert an_error(answer, status)
        assert answer.json["error_code"] == code
        assert code or name in answer.json["message"]
        assert not server.journal.contexts
        assert (await infill(client)).status == 200


@given(clip=st.binary(max_size=50))
@on_virtual_time
async def test_a_recording_has_to_be_one(clip: bytes) -> None:
    """What cannot be decoded is refused with the code for it; and so is none."""
    async with over_http() as (client, _):
        answer = await infill(client, {**LEFT, "right_audio": ("a.wav", b"?" + clip, "audio/wav")})
        assert an_error(answer, 400)
        assert answer.json["error_code"] == "unsupported_audio_format"
        answer = await infill(client, {})
        assert an_error(answer, 400)
        assert "left_audio" in answer.json["message"]


@pytest.mark.parametrize("text", [TWO_SENTENCES, " "])
@on_virtual_time
async def test_the_answer_may_contain_the_recordings(text: str) -> None:
    """With `infill_has_recordings`, one recording comes before the speech and one after it (R7)."""
    ways = Behaviour(infill_has_recordings=True)
    noise = b"\x10\x00\xf0\xff" * 1000
    right = {"right_audio": ("b.wav", WAV[:-2000] + noise, "audio/wav")}
    async with over_http(behaviour=ways) as (client, server):
        answer = await infill(client, LEFT | right, transcript=text)
        assert answer.body == bytes(2000) + await tones(text) + noise[:2000]
        one = await infill(client, right, transcript=text, output_format=WAV_S16)
        assert one.body == WAV_HEADER + await tones(text) + noise[:2000]
        assert server.journal.contexts[0].audio == await tones(text)


@on_virtual_time
async def test_behaviour_and_faults_are_those_of_the_request() -> None:
    """Overrides in a header count as on other endpoints."""
    async with over_http(behaviour=Behaviour(unknown_voice="speak")) as (client, _):
        strict = [("x-behaviour", "unknown_voice=error")]
        other = {**FIELDS, "voice_id": "00000000-0000-4000-8000-000000000000"}
        assert (await upload(client, INFILL, other, LEFT)).status == 200
        answer = await upload(client, INFILL, other, LEFT, strict)
        assert an_error(answer, 404)
        with pytest.raises(Cut) as caught:
            await upload(client, INFILL, FIELDS, LEFT, [("x-fault", "truncated_body at_byte=10")])
        assert caught.value.args == ((await tones(TWO_SENTENCES))[:10],)

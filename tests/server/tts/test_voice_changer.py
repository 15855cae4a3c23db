from __future__ import annotations

import base64
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.server.http_client import (
    MP3,
    NOW,
    WAV_S16,
    Answer,
    Failing,
    HttpClient,
    an_error,
    dial,
    form,
    form_headers,
    frames,
    over_http,
    upload,
)
from tests.server.support import (
    S16,
    TWO_SENTENCES,
    Json,
    connect,
    generation,
    in_memory,
    on_virtual_time,
    speech,
    tones,
)
from tests.server.support import audio as websocket_audio
from trio_cartesia._protocol.base.audio import ENCODINGS, SampleFormat
from trio_cartesia.server import Behaviour

BYTES, SSE = "/voice-changer/bytes", "/voice-changer/sse"
BOTH = pytest.mark.parametrize("path", [BYTES, SSE])
OTHER = "a0e99841-438c-4a64-b679-ae501e7d6091"
FIELDS: Json = {"voice": {"id": OTHER}, "output_format": S16}
WAV = SampleFormat(encoding="pcm_s16le", sample_rate=8000)


def recording(seconds: float = 0.5) -> bytes:
    """A WAV file that the service has not spoken."""
    audio = b"\x10\x00\xf0\xff" * int(4000 * seconds)
    return WAV.wav_header(len(audio)) + audio


async def change(client: HttpClient, clip: bytes, path: str = BYTES, **changes: Any) -> Answer:
    return await upload(client, path, {**FIELDS, **changes}, {"clip": ("a.wav", clip, "audio/wav")})


def audio_of(answer: Answer) -> bytes:
    """The audio of either endpoint."""
    if answer.headers["content-type"] != "text/event-stream":
        return answer.body
    return b"".join(base64.b64decode(event["data"]) for event in answer.events[:-1])


@given(
    encoding=st.sampled_from(ENCODINGS),
    container=st.sampled_from(["raw", "wav", "mp3"]),
    path=st.sampled_from([BYTES, SSE]),
    sample_rate=st.sampled_from([8000, 44100]),
)
@settings(max_examples=settings.default.max_examples // 2)
@on_virtual_time
async def test_own_speech_is_spoken_again(
    encoding: str, container: str, path: str, sample_rate: int
) -> None:
    """Speech of the service, in any form, is the same text in the other voice."""
    output = {"container": container, "sample_rate": sample_rate}
    output |= {"bit_rate": 64000} if container == "mp3" else {"encoding": encoding}
    config = {"speed": 1.2}
    async with over_http() as (client, server):
        own = await client.bytes("Hi you. Hm.", output_format=output, generation_config=config)
        answer = await change(client, own.body, path)
        plain = await client.bytes("Hi you. Hm.", voice=OTHER, generation_config=config)
        _, record, _ = server.journal.contexts
    assert answer.status == 200
    assert audio_of(answer) == plain.body
    assert (record.path, record.transcript, record.ended) == (path, "Hi you. Hm.", "done")
    assert record.settings.voice_id == OTHER


@on_virtual_time
async def test_speech_of_a_websocket_is_known_too() -> None:
    """A context with several inputs is known by all its audio; a part of it is not."""
    async with in_memory() as (server, nursery):
        client, socket = dial(server, nursery), await connect(server, nursery)
        events = await socket.speak(generation("c", "Hi you. Hm."))
        audio = websocket_audio(events)
        assert (await change(client, audio)).body == await tones("Hi you. Hm.", voice_id=OTHER)
        part = WAV.wav_header() + audio[:-2]
        assert (await change(client, part)).body != await tones("Hi you. Hm.", voice_id=OTHER)
        assert an_error(await change(client, audio[:-2]), 400)


@on_virtual_time
async def test_speech_of_another_account_is_another_recording() -> None:
    """The text that one key had spoken is not spoken for another, which has only its audio."""
    first, second = ([*NOW, ("x-api-key", f"sk_{number}")] for number in (1, 2))
    async with over_http(api_keys=["sk_1", "sk_2"]) as (client, server):
        own = await client.ask("POST", "/tts/bytes", speech("Hi.", output_format=WAV_S16), first)
        files = {"clip": ("a.wav", own.body, "audio/wav")}
        for headers, text in ((second, ""), (first, "Hi.")):
            answer = await upload(client, BYTES, FIELDS, files, headers)
            assert answer.status == 200
            assert server.journal.contexts[-1].transcript == text


@BOTH
@on_virtual_time
async def test_another_recording_has_its_length_and_another_pitch(path: str) -> None:
    """What the service has not spoken is as long as it was, and not the same for every voice."""
    async with over_http() as (client, server):
        answers = [
            await change(client, recording(), path, voice={"id": voice})
            for voice in (OTHER, OTHER, generation("")["voice"])
        ]
        records = server.journal.contexts
    heard = [audio_of(answer) for answer in answers]
    assert [len(audio) for audio in heard] == [8000] * 3
    assert heard[0] == heard[1] != heard[2]
    for record, audio in zip(records, heard, strict=True):
        assert (record.path, record.ended, record.transcript) == (path, "done", "")
        assert record.audio == audio


@pytest.mark.parametrize("output", [S16, WAV_S16, MP3])
@on_virtual_time
async def test_containers_are_those_of_speech(output: Json) -> None:
    """Bytes have the type and the form of their container."""
    async with over_http() as (client, _):
        answer = await change(client, recording(), output_format=output)
        plain = await client.bytes("Hi.", output_format=output)
        assert answer.headers["content-type"] == plain.headers["content-type"]
        assert answer.body[:2] == plain.body[:2] or output == S16
        events = await change(client, recording(), SSE, output_format=output)
        assert events.status == (200 if output == S16 else 400)


@on_virtual_time
async def test_events_have_no_type() -> None:
    """Events are chunks with their rate, and an end with status 200 whatever others have."""
    async with over_http(behaviour=Behaviour(chunk_bytes=1000, done_status=206)) as (client, _):
        answer = await change(client, recording(), SSE)
    assert answer.headers["content-type"] == "text/event-stream"
    *chunks, end = frames(answer.body)
    assert len(chunks) == 8
    assert end == (None, {"done": True, "status_code": 200})
    for name, event in chunks:
        assert name is None
        assert set(event) == {"data", "done", "status_code", "sample_rate", "step_time"}
        assert (event["done"], event["status_code"], event["sample_rate"]) == (False, 206, 8000)


@pytest.mark.parametrize(
    ("name", "value", "status", "says"),
    [
        ("voice", None, 400, "voice"),
        ("voice", {"id": "nobody"}, 404, "voice"),
        ("output_format", None, 400, "output_format"),
        ("output_format", {"container": "raw", "sample_rate": 8000}, 400, "encoding"),
        ("output_format", {**S16, "container": "ogg"}, 400, "container"),
    ],
)
@BOTH
@on_virtual_time
async def test_fields_are_needed_and_checked(
    path: str, name: str, value: Any, status: int, says: str
) -> None:
    """A field that is missing or wrong is refused, and the connection serves the next request."""
    async with over_http() as (client, server):
        answer = await change(client, recording(), path, **{name: value})
        assert an_error(answer, status)
        assert says in answer.json["message"]
        assert not server.journal.contexts
        assert (await change(client, recording(), path)).status == 200


@BOTH
@on_virtual_time
async def test_a_clip_has_to_be_one(path: str) -> None:
    """A clip that is missing is refused by its name, and one that is no audio by its code."""
    async with over_http() as (client, server):
        for clip in (b"", b"what"):
            answer = await change(client, clip, path)
            assert an_error(answer, 400)
        assert answer.json["error_code"] == "unsupported_audio_format"
        assert [record.ended for record in server.journal.contexts] == ["error"]
        answer = await upload(client, path, FIELDS, {})
        assert an_error(answer, 400)
        assert answer.json["message"].startswith("clip must be a file")


@given(
    path=st.sampled_from([BYTES, SSE, "/infill/bytes"]),
    body=st.binary(max_size=60) | st.binary(max_size=60).map(lambda part: b"--b\r\n" + part),
    kind=st.sampled_from(["multipart/form-data; boundary=b", "multipart/form-data", "text/plain"]),
)
@on_virtual_time
async def test_no_body_does_harm(path: str, body: bytes, kind: str) -> None:
    """Whatever the body is, a proper refusal answers it, and the connection goes on."""
    async with over_http() as (client, _):
        headers = [*NOW, ("content-type", kind)]
        assert an_error(await client.ask("POST", path, body, headers), 400)
        assert (await client.bytes("Hi.")).status == 200


@BOTH
@on_virtual_time
async def test_a_failure_before_the_first_audio_is_the_answer(path: str) -> None:
    """A voice that cannot speak own speech again is 500, like elsewhere."""
    async with over_http(voice=Failing(1)) as (client, _):
        own = await client.bytes("Hi.")
        assert an_error(await change(client, own.body, path), 500)


@on_virtual_time
async def test_a_failure_in_the_stream_is_its_last_event() -> None:
    """A voice that fails in the middle ends the events with an error, which alone has a type."""
    async with over_http(voice=Failing(3)) as (client, server):
        own = await client.bytes(TWO_SENTENCES)
        answer = await change(client, own.body, SSE)
        *before, (name, error) = frames(answer.body)
        assert {each for each, _ in before} == {None}
        assert name == "error"
        assert (error["type"], error["done"], error["status_code"]) == ("error", True, 500)
        assert error["request_id"] == answer.headers["x-request-id"]
        assert server.journal.contexts[-1].ended == "error"


@BOTH
@on_virtual_time
async def test_a_request_is_one_context_of_the_plan(path: str) -> None:
    """While two are under way on the smallest plan, a third is 429; who leaves frees a place, and
    the journal has it as lost.
    """
    fields = {
        f"{outer}[{name}]": str(value) for outer in FIELDS for name, value in FIELDS[outer].items()
    }
    body = form(fields.items(), {"clip": ("a.wav", recording(5), "audio/wav")})
    behaviour = Behaviour(times_real_time=1)
    async with (
        over_http(plan="free", behaviour=behaviour) as (client, server),
        trio.open_nursery() as nursery,
    ):
        first, second = dial(server, nursery), dial(server, nursery)
        for busy in (first, second):
            await busy.send("POST", path, body, list(form_headers().items()))
            assert (await busy.begin()).status == 200
        answer = await change(client, recording(), path)
        assert an_error(answer, 429)
        assert answer.json["error_code"] == "concurrency_limited"
        await first.stream.aclose()
        await wait_all_tasks_blocked()
        assert (await change(client, recording(), path)).status == 200
        assert [record.ended for record in server.journal.contexts] == ["lost", None, "done"]
        nursery.cancel_scope.cancel()


@on_virtual_time
async def test_a_voice_of_the_account_changes_speech() -> None:
    """A clone speaks own speech again, as it speaks the text."""
    async with over_http() as (client, _):
        fields = {"name": "Mine", "language": "en"}
        clip = {"clip": ("a.wav", recording(), "audio/wav")}
        clone = (await upload(client, "/voices/clone", fields, clip)).json["id"]
        own = await client.bytes(TWO_SENTENCES)
        answer = await change(client, own.body, voice={"id": clone})
        plain = await client.bytes(TWO_SENTENCES, voice=clone)
    assert (answer.status, answer.body) == (200, plain.body)
    assert answer.body != own.body

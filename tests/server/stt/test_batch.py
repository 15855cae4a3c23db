"""`POST /stt` and `POST /audio/transcriptions` (protocol §4.1)."""

from __future__ import annotations

import pytest
import trio

from tests.server.http_client import Answer, HttpClient, an_error, form, form_headers, over_http
from tests.server.stt.support import MANUAL, Marked, MarkedStream, said, speech, target
from tests.server.support import Json, catch_logs, connect, on_virtual_time
from trio_cartesia._protocol.base.audio import SampleFormat

BATCH, OPENAI = "/stt", "/audio/transcriptions"
BOTH = pytest.mark.parametrize("path", [BATCH, OPENAI])
RAW = "encoding=pcm_s16le&sample_rate=16000"
WORD: tuple[str, str] = ("timestamp_granularities[]", "word")
S16 = SampleFormat(encoding="pcm_s16le", sample_rate=16_000)
AUDIO = speech() + said(1, 2) + speech()


async def ask(
    client: HttpClient,
    path: str,
    *fields: tuple[str, str],
    content: bytes = AUDIO,
    query: str = RAW,
    model: str = "ink-whisper",
) -> Answer:
    files = {"file": ("clip", content, "application/octet-stream")}
    body = form([("model", model), *fields], files)
    return await client.ask("POST", f"{path}?{query}", body, list(form_headers().items()))


@on_virtual_time
async def test_a_recording_is_transcribed() -> None:
    """The response has the text, the language that was given, and the duration."""
    async with over_http(recognizer=Marked()) as (client, server):
        answer = await ask(client, BATCH, ("language", "de"))
        (record,) = server.journal.transcriptions
    assert answer.status == 200
    assert answer.json == {
        "type": "transcript",
        "request_id": answer.headers["x-request-id"],
        "text": "one two",
        "language": "de",
        "duration": 1.28,
    }
    assert (record.path, record.connection, record.ended) == (BATCH, 0, "done")
    assert (record.audio_bytes, record.audio_seconds, record.credits) == (len(AUDIO), 1.28, 1)


@on_virtual_time
async def test_words_come_if_they_are_asked_for() -> None:
    """Each is a row with its times from the start of the recording."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, BATCH, WORD)
    assert answer.json["words"] == [
        {"word": "one", "start": 0.32, "end": 0.42},
        {"word": "two", "start": 0.64, "end": 0.74},
    ]


@BOTH
@on_virtual_time
async def test_a_file_needs_no_query(path: str) -> None:
    """WAV and other files that have a header are decoded by it."""
    clip = S16.wav_header(len(AUDIO)) + AUDIO
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, path, content=clip, query="")
    assert answer.json["text"] == "one two"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], {"text": "one two"}),
        ([("response_format", "json"), ("temperature", "0.2")], {"text": "one two"}),
    ],
)
@on_virtual_time
async def test_openai_json(fields: list[tuple[str, str]], expected: Json) -> None:
    """The usual response is the text alone; fields that do not apply are ignored."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, OPENAI, *fields)
    assert answer.json == expected


@on_virtual_time
async def test_openai_text() -> None:
    """The response is plain text."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, OPENAI, ("response_format", "text"))
    assert answer.body == b"one two\n"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("fields", "present"),
    [
        ([], {"segments"}),
        ([WORD], {"words"}),
        ([WORD, (WORD[0], "segment")], {"words", "segments"}),
    ],
)
@on_virtual_time
async def test_openai_details(fields: list[tuple[str, str]], present: set[str]) -> None:
    """`verbose_json` has the duration, and words or segments as they are asked for."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, OPENAI, ("response_format", "verbose_json"), *fields)
    details = answer.json
    assert (details["text"], details["language"], details["duration"]) == ("one two", "en", 1.28)
    assert present == {"words", "segments"} & set(details)
    for segment in details.get("segments", ()):
        assert (segment["start"], segment["end"], segment["text"]) == (0.0, 1.28, "one two")


@pytest.mark.parametrize(
    ("content", "query", "fields", "code"),
    [
        (b"no audio at all", "", [], "unsupported_audio_format"),
        (AUDIO, "", [], "unsupported_audio_format"),
        (AUDIO, "encoding=pcm_s16le", [], None),
        (AUDIO, "sample_rate=16000", [], None),
        (AUDIO, "encoding=mp3&sample_rate=16000", [], None),
        (AUDIO, RAW, [("language", "klingon")], "language_not_supported"),
        (AUDIO, RAW, [("timestamp_granularities[]", "letter")], None),
        (b"", RAW, [], None),
    ],
)
@BOTH
@on_virtual_time
async def test_what_cannot_be_transcribed_is_refused(
    path: str, content: bytes, query: str, fields: list[tuple[str, str]], code: str | None
) -> None:
    """It gets a 400 with the code that there is for it."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, path, *fields, content=content, query=query)
    assert an_error(answer, 400)
    assert answer.json["error_code"] == code


@pytest.mark.parametrize("model", ["ink-2", "whisper-1", ""])
@BOTH
@on_virtual_time
async def test_the_model_is_ink_whisper(path: str, model: str) -> None:
    """Others are not for recordings (protocol §1.9)."""
    async with over_http(recognizer=Marked()) as (client, _):
        assert an_error(await ask(client, path, model=model), 400)


@pytest.mark.parametrize("shape", ["srt", "vtt", "xml"])
@on_virtual_time
async def test_other_formats_of_openai_are_refused(shape: str) -> None:
    """The message names those that there are."""
    async with over_http(recognizer=Marked()) as (client, _):
        answer = await ask(client, OPENAI, ("response_format", shape))
    assert an_error(answer, 400)
    assert "json, text, verbose_json" in answer.json["message"]


@BOTH
@on_virtual_time
async def test_a_request_is_one_stream(path: str) -> None:
    """While the plan's streams are open, a recording is refused (protocol §1.8)."""
    async with over_http(recognizer=Marked(), plan="free") as (client, server):
        async with trio.open_nursery() as nursery:
            for _ in range(8):
                await connect(server, nursery, target(MANUAL))
            answer = await ask(client, path)
            assert an_error(answer, 429)
            assert answer.json["error_code"] == "concurrency_limited"
            nursery.cancel_scope.cancel()
        assert (await ask(client, path)).status == 200


class Slow(MarkedStream):
    async def finish(self) -> object:
        await trio.sleep(60)
        raise AssertionError("the client has left")


class SlowRecognizer(Marked):
    def open_stream(self, **_: object) -> MarkedStream:
        self.streams.append(Slow("en"))
        return self.streams[-1]


@BOTH
@on_virtual_time
async def test_the_recognition_ends_with_the_client(path: str) -> None:
    """A client that leaves before the response ends it; the request is one stream of the plan."""
    slow = SlowRecognizer()
    async with over_http(recognizer=slow, plan="free") as (client, server):
        body = form([("model", "ink-whisper")], {"file": ("clip", AUDIO, "audio/wav")})
        await client.send("POST", f"{path}?{RAW}", body, list(form_headers().items()))
        await trio.sleep(1)
        await client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert slow.streams[0].is_closed
        assert server.journal.transcriptions[0].ended == "lost"


class BrokenStream(MarkedStream):
    async def add(self, _: bytes) -> None:
        raise LookupError("seven")


class BrokenRecognizer(Marked):
    def open_stream(self, **_: object) -> MarkedStream:
        return BrokenStream("en")


@BOTH
@on_virtual_time
async def test_a_recogniser_that_fails_is_a_500(path: str) -> None:
    """The log has the type of its error, and no speech."""
    with catch_logs(40) as lines:
        async with over_http(recognizer=BrokenRecognizer()) as (client, server):
            assert an_error(await ask(client, path), 500)
            assert server.journal.transcriptions[0].ended == "error"
    assert lines == ["the recogniser failed: LookupError"]

"""`stt.transcribe`: what is sent, and what comes back."""

from __future__ import annotations

import attrs
import pytest

from tests.http.scripted import answer, scripted
from tests.http.test_uploads import parts_of
from trio_cartesia import BadRequest, LocalProtocolError, TranscriptWord
from trio_cartesia.types import RecordingTranscript

TEXT = {"type": "transcript", "text": "Good morning.", "request_id": "r", "duration": 1.5}
WORDS = [{"word": "Good", "start": 0.04, "end": 0.3}]


async def test_a_recording_is_transcribed(autojump_clock):
    """The file comes after the fields of the form, and the answer is a value."""
    async with scripted(answer({**TEXT, "words": WORDS, "language": "en", "new": 1})) as (
        client,
        service,
    ):
        transcript = await client.stt.transcribe(
            b"RIFF", model="ink-whisper", language="en", timestamp_granularities=["word"]
        )
    (asked,) = service.asked
    assert (asked.method, asked.target) == ("POST", "/prefix/stt")
    assert [(name, value) for name, _, _, value in parts_of(asked)] == [
        ("model", b"ink-whisper"),
        ("language", b"en"),
        ("timestamp_granularities[]", b"word"),
        ("file", b"RIFF"),
    ]
    assert transcript.text == "Good morning."
    assert transcript.words == (TranscriptWord(word="Good", start=0.04, end=0.3),)
    assert (transcript.language, transcript.duration) == ("en", 1.5)
    assert transcript.extra == {"new": 1}
    assert "Good" not in repr(transcript)


def test_a_transcript_has_subtitles():
    """Words with times give subtitles; silence gives none, and words without times are an error."""
    transcript = RecordingTranscript(
        text="Good morning.",
        duration=1.5,
        words=(
            TranscriptWord(word="Good", start=0.25, end=0.5),
            TranscriptWord(word="morning.", start=0.5, end=1.25),
        ),
    )
    cue = "00:00:00.250 --> 00:00:01.250\nGood morning.\n\n"
    assert transcript.subtitles("vtt") == f"WEBVTT\n\n{cue}"
    assert "xmax = 1.5" in transcript.subtitles("textgrid")
    assert RecordingTranscript(text="", duration=1.5).subtitles("vtt") == "WEBVTT\n\n"
    with pytest.raises(LocalProtocolError, match=r"request timestamp_granularities=\[.word.\]"):
        attrs.evolve(transcript, words=None).subtitles("srt")
    with pytest.raises(LocalProtocolError, match="format must be one of"):
        transcript.subtitles("ass")


async def test_samples_have_their_layout_in_the_query(autojump_clock):
    """For samples without a header, the encoding and the rate are parameters of the query."""
    async with scripted(answer(TEXT)) as (client, service):
        transcript = await client.stt.transcribe(
            bytes(320), model="ink-whisper", encoding="pcm_s16le", sample_rate=16000
        )
    assert service.asked[0].target == "/prefix/stt?encoding=pcm_s16le&sample_rate=16000"
    assert transcript.words is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": "pcm_s16le"}, "need encoding and sample_rate"),
        ({"encoding": "mp3", "sample_rate": 8000}, "encoding must be one of"),
        ({"timestamp_granularities": "word"}, "must be a list"),
        ({"model": ""}, "model must not be empty"),
        ({"file": 1}, "file must be"),
    ],
)
async def test_arguments_are_checked_before_anything_is_sent(autojump_clock, change, message):
    """A recording or a setting that cannot be sent is refused."""
    async with scripted(answer(TEXT)) as (client, service):
        with pytest.raises(LocalProtocolError, match=message):
            await client.stt.transcribe(**{"file": b"RIFF", "model": "ink-whisper", **change})
    assert service.asked == []


async def test_a_refusal_is_raised(autojump_clock):
    """A recording that the service cannot read raises its error."""
    error = {"error_code": "unsupported_audio_format", "title": "No audio", "message": "Text."}
    async with scripted(answer(error, status=400)) as (client, _):
        with pytest.raises(BadRequest, match="No audio: Text"):
            await client.stt.transcribe(b"text", model="ink-whisper")

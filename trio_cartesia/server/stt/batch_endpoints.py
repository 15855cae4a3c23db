"""The endpoints `/stt` and `/audio/transcriptions`, which take a recording (protocol §4.1).

Each request is one stream of the account's plan. The recording is decoded as it is recognised, in
parts that take well below a millisecond. If the peer leaves, the recognition ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.audio.clips import decode
from trio_cartesia.server.audio.encodings import to_wire
from trio_cartesia.server.catalogue.models import is_whisper
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord
from trio_cartesia.server.messages.errors import JSON_TYPE, TEXT_TYPE, APIError
from trio_cartesia.server.messages.multipart import Form
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.messages.settings import MODEL_NOT_FOUND
from trio_cartesia.server.recognition.input import InputConverter
from trio_cartesia.server.recognition.interface import SAMPLE_RATE, Recognized
from trio_cartesia.server.stt.settings import read_language, read_samples
from trio_cartesia.server.stt.transcription import open_transcription, word_rows

__all__ = ["BATCH", "OPENAI", "transcribe", "transcribe_for_openai"]

BATCH: Final = "/stt"
OPENAI: Final = "/audio/transcriptions"
GRANULARITIES: Final = "timestamp_granularities[]"
FORMATS: Final = ("json", "text", "verbose_json")
# the other fields of OpenAI's segments: the service has no such estimates
NO_ESTIMATES: Final = {
    "tokens": [],
    "temperature": 0.0,
    "avg_logprob": 0.0,
    "compression_ratio": 1.0,
    "no_speech_prob": 0.0,
}


@attrs.frozen(kw_only=True)
class Transcript:
    """What was recognised.

    Attributes:
        language: The language that was asked for (protocol §6a E21).
        seconds: The duration of the recording.
    """

    recognized: Recognized
    language: str
    seconds: float

    @property
    def text(self) -> str:
        """The text, without white space around it."""
        return self.recognized.text.strip()


async def transcribe(exchange: Exchange) -> None:
    """Respond with the text of a recording.

    Raises:
        APIError: The request is not valid, or the recording cannot be decoded or recognised.
        Disconnected: The peer has left.
    """
    with exchange.account.stream_slot():
        form = exchange.form()
        has_words = bool(Query(form.texts).each(GRANULARITIES, ("word",)))
        async with exchange.streaming(JSON_TYPE):
            transcript = await _transcribe(exchange, form)
            body = {
                "type": "transcript",
                "request_id": exchange.request_id,
                "text": transcript.text,
                "language": transcript.language,
                "duration": round(transcript.seconds, 3),
            }
            if has_words:
                body["words"] = word_rows(transcript.recognized)
            await exchange.send(json.dumps(body).encode())


async def transcribe_for_openai(exchange: Exchange) -> None:
    """Respond with the text of a recording as OpenAI does, so that its clients work.

    Raises:
        APIError: The request is not valid, or the recording cannot be decoded or recognised.
        Disconnected: The peer has left.
    """
    with exchange.account.stream_slot():
        form = exchange.form()
        shape = Query(form.texts).choice("response_format", FORMATS) or "json"
        units = Query(form.texts).each(GRANULARITIES, ("word", "segment")) or {"segment"}
        async with exchange.streaming(TEXT_TYPE if shape == "text" else JSON_TYPE):
            transcript = await _transcribe(exchange, form)
            if shape == "text":
                await exchange.send(f"{transcript.text}\n".encode())
                return
            body: dict[str, Any] = {"text": transcript.text}
            if shape == "verbose_json":
                body |= _details(transcript, units)
            await exchange.send(json.dumps(body).encode())


def _details(transcript: Transcript, units: frozenset[str] | set[str]) -> dict[str, Any]:
    seconds = round(transcript.seconds, 3)
    details: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": seconds,
    }
    if "word" in units:
        details["words"] = word_rows(transcript.recognized)
    if "segment" in units:
        segment = {"id": 0, "seek": 0, "start": 0.0, "end": seconds, "text": transcript.text}
        details["segments"] = [segment | NO_ESTIMATES] if transcript.text else []
    return details


async def _transcribe(exchange: Exchange, form: Form) -> Transcript:
    """Read the rest of the form, and recognise the recording."""
    texts = Query(form.texts)
    model = texts.text("model")
    if model is None:
        raise texts.field_error("model", "given")
    if not is_whisper(model):
        raise APIError(MODEL_NOT_FOUND)
    language = read_language(texts.text("language"), model)
    samples = read_samples(Query(exchange.request.query))
    recording = form.file("file").content
    encoding, sample_rate = samples or ("", 0)
    record = TranscriptionRecord(
        connection=0,
        path=exchange.path,
        request_id=exchange.request_id,
        model=model,
        language=language,
        encoding=encoding,
        sample_rate=sample_rate,
    )
    record.audio_bytes = len(recording)
    pieces = _converted(recording, encoding, sample_rate) if samples else _decoded(recording)
    async with open_transcription(exchange, record) as transcription:
        for piece in pieces:
            await transcription.add(piece)
            await trio.lowlevel.checkpoint()
        recognized = await transcription.finish()
        transcript = Transcript(
            recognized=recognized, language=language, seconds=transcription.seconds
        )
        record.count_final(transcript.text)
        transcription.end("done")
        return transcript


def _converted(recording: bytes, encoding: str, sample_rate: int) -> Iterator[bytes]:
    converter = InputConverter(encoding=encoding, sample_rate=sample_rate)
    yield from converter.convert(recording)
    yield converter.flush()


def _decoded(recording: bytes) -> Iterator[bytes]:
    return map(to_wire, decode(recording, SAMPLE_RATE))

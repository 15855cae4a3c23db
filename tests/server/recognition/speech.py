"""Speech of a service without a server: what the tests of recognition send and expect."""

from __future__ import annotations

import random
from array import array

from trio_cartesia._protocol.base.audio import Encoding, SampleFormat
from trio_cartesia.server.audio.encodings import decode_samples, encode
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.recognition.input import InputConverter
from trio_cartesia.server.recognition.interface import Recognized, Recognizer
from trio_cartesia.server.text.sentences import split
from trio_cartesia.server.tts.events import units_of
from trio_cartesia.server.voices.interface import Utterance, Voice
from trio_cartesia.server.voices.tones import Tones

SENTENCES = (
    "Good morning, everybody. The lecture begins in five minutes.",
    "Dr. Smith paid $20 for 3 tickets — more than he had planned to spend.",
    "Nobody knows where  the others went,\nand hardly anybody has asked.",
    "Please call me back before Friday, or write a letter.",
)


async def speak(
    journal: Journal,
    text: str,
    *,
    voice: Voice | None = None,
    encoding: Encoding = "pcm_s16le",
    sample_rate: int = 16_000,
    voice_id: str = "v",
) -> ContextRecord:
    """Put speech in the journal, as a context does."""
    output = SampleFormat(encoding=encoding, sample_rate=sample_rate)
    settings = Generation(
        context_id="c", model_id="m", transcript=text, voice_id=voice_id, output=output
    )
    record, frames = journal.add_context(1, settings), 0
    journal.add_input(record, text)
    for piece in split(text):
        utterance = Utterance(text=piece, voice_id=voice_id, sample_rate=sample_rate)
        spoken = await (voice or Tones()).speak(utterance)
        journal.add_chunk(record, encode(spoken.samples, encoding))
        words = units_of(spoken.words, before=frames, sample_rate=sample_rate)
        journal.add_times(record, words, [])
        frames += len(spoken.samples) // 2
    record.ended = "done"
    return record


def at(
    record: ContextRecord,
    sample_rate: int = 16_000,
    encoding: str = "pcm_s16le",
    *,
    gain: float = 1.0,
    noise: float = 0.0,
) -> bytes:
    """The speech as a client sends it; *noise* is its part of the amplitude."""
    output, values = record.settings.output, random.Random(1)  # noqa: S311  # no secret
    plain = encode(decode_samples(bytes(record.audio), output.encoding).tobytes(), "pcm_s16le")
    if output.sample_rate != sample_rate:
        import numpy as np
        import soxr

        wave = np.frombuffer(plain, np.int16).astype(np.float32)
        wave = soxr.resample(wave, output.sample_rate, sample_rate)
        plain = np.rint(wave).clip(-32768, 32767).astype(np.int16).tobytes()
    samples = array("h", plain)
    power = (sum(sample * sample for sample in samples) / max(1, len(samples))) ** 0.5
    loud = (gain * (sample + values.gauss(0, noise * power)) for sample in samples)
    limited = array("h", (round(min(32767, max(-32768, sample))) for sample in loud))
    return encode(limited.tobytes(), encoding)


async def recognize(
    recognizer: Recognizer,
    audio: bytes,
    sample_rate: int = 16_000,
    encoding: str = "pcm_s16le",
    *,
    piece_bytes: int = 3200,
) -> Recognized:
    """The text of a whole stream."""
    converter = InputConverter(encoding=encoding, sample_rate=sample_rate)
    stream = recognizer.open_stream(language="en", keyterms=())
    for start in range(0, len(audio), piece_bytes):
        for samples in converter.convert(audio[start : start + piece_bytes]):
            await stream.add(samples)
        stream.interim()
    await stream.add(converter.flush())
    final = await stream.finish()
    await stream.aclose()
    return final

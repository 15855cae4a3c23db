"""One stream of audio on its way through a recogniser, with its record in the journal."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.exchange.prices import price_of_transcription
from trio_cartesia.server.journal.access_log import log_transcription
from trio_cartesia.server.journal.transcriptions import TranscriptionRecord
from trio_cartesia.server.messages.errors import OUT_OF_RESOURCES, RECOGNIZER_FAILED, APIError
from trio_cartesia.server.recognition.interface import (
    SAMPLE_RATE,
    Recognized,
    RecognizerStream,
)
from trio_cartesia.server.streams import is_out_of_resources

__all__ = ["STEP_MS", "Steps", "Transcription", "open_transcription", "word_rows"]

logger = logging.getLogger("trio_cartesia.server")

STEP_MS: Final = 32  # of audio that is judged at once
STEP_BYTES: Final = 2 * SAMPLE_RATE * STEP_MS // 1000
MAX_PIECE_SECONDS: Final = 600.0  # of audio whose text is not final, which recognisers hold
CLOSE_SECONDS: Final = 1.0  # for a recogniser to release a stream


@attrs.define(eq=False)
class Steps:
    """Cuts samples into steps of `STEP_MS`, so that frames make no difference."""

    _rest: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    def take(self, samples: bytes) -> Iterator[bytes]:
        """Return an iterator over the steps that *samples* complete."""
        self._rest += samples
        while len(self._rest) >= STEP_BYTES:
            step = bytes(self._rest[:STEP_BYTES])
            del self._rest[:STEP_BYTES]
            yield step

    def flush(self) -> bytes:
        """Return the samples that are in no step yet; what follows starts a new one."""
        rest, self._rest = bytes(self._rest), bytearray()
        return rest


@attrs.define(eq=False, kw_only=True)
class Transcription:
    """A stream of the recogniser; the errors of a recogniser become those of the API.

    Attributes:
        record: Its record in the journal.
        seconds: The duration of the audio that the recogniser has got.
        final_seconds: The part of it whose text is final.
    """

    record: TranscriptionRecord
    seconds: float = attrs.field(default=0.0, init=False)
    final_seconds: float = attrs.field(default=0.0, init=False)
    _stream: RecognizerStream
    _exchange: Exchange
    _samples: int = attrs.field(default=0, init=False)

    @property
    def is_long(self) -> bool:
        """Whether so much audio is not final that its text must become so."""
        return self.seconds - self.final_seconds >= MAX_PIECE_SECONDS

    async def add(self, samples: bytes) -> None:
        """Give the recogniser further samples.

        Raises:
            APIError: The recogniser failed; likewise of the other methods.
        """
        with _recognizing():
            await self._stream.add(samples)
        self._samples += len(samples) // 2
        self.seconds = self.record.audio_seconds = self._samples / SAMPLE_RATE

    def interim(self) -> Recognized:
        """Return the text of the audio that is not final yet."""
        with _recognizing():
            return self._stream.interim()

    async def finish(self) -> Recognized:
        """Return the final text of the audio since the last one."""
        with _recognizing():
            recognized = await self._stream.finish()
        self.final_seconds = self.seconds
        return recognized

    def end(self, how: str) -> None:
        """Log and charge the stream, unless it has ended before."""
        record = self.record
        if record.ended is not None:
            return
        record.ended = how
        record.credits = price_of_transcription(record)
        self._exchange.add_usage("stt", record.credits, model=record.model)
        log_transcription(record)


def word_rows(recognized: Recognized) -> list[dict[str, Any]]:
    """Return the words as events have them, from the start of the stream (protocol §4.3)."""
    return [
        {
            "word": word.text,
            "start": round(word.start_seconds, 3),
            "end": round(word.end_seconds, 3),
        }
        for word in recognized.words
    ]


@asynccontextmanager
async def open_transcription(
    exchange: Exchange,
    record: TranscriptionRecord,
    *,
    keyterms: tuple[str, ...] = (),
) -> AsyncIterator[Transcription]:
    """Open a stream of the recogniser for the block.

    Raises:
        APIError: The recogniser failed.
    """
    with _recognizing():
        stream = exchange.state.recognizer.open_stream(language=record.language, keyterms=keyterms)
    exchange.state.journal.add_transcription(record)
    transcription = Transcription(record=record, stream=stream, exchange=exchange)
    try:
        yield transcription
    except APIError:
        transcription.end("error")
        raise
    finally:
        transcription.end("lost")
        with trio.move_on_after(CLOSE_SECONDS, shield=True), _logged():
            await stream.aclose()


@contextmanager
def _recognizing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # recognisers are pluggable; other streams continue
        _log(error)
        failure = OUT_OF_RESOURCES if is_out_of_resources(error) else RECOGNIZER_FAILED
        raise APIError(failure) from error


@contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  # the stream has ended anyway
        _log(error)


def _log(error: Exception) -> None:
    kind = type(error).__name__  # a traceback might quote speech
    logger.error("the recogniser failed: %s", kind)

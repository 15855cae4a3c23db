"""The recogniser ``moonshine``: English speech of people, by the model in the extra ``ears``.

The library works in a worker thread and releases the interpreter while it does. Streams take turns:
a turn is a second of audio of one stream, which takes 0.1 to 0.5 s, the more the longer nobody has
paused, because the library then recognises all since the pause anew. So a turn is four seconds as
long as nobody asks for interim texts. An autojumping clock does not wait for threads, so do not use
it under one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import attrs
import numpy as np
import trio
from moonshine_voice import ModelArch, MoonshineError, TranscriptLine, get_assets_path
from moonshine_voice.transcriber import Stream, Transcriber

from trio_cartesia.server.recognition.interface import SAMPLE_RATE, Recognized, RecognizedWord

__all__ = ["Moonshine"]

TURN_BYTES: Final = 2 * SAMPLE_RATE  # a second
RECORDING_TURN_BYTES: Final = 4 * TURN_BYTES  # where there are no interim texts
MODEL: Final = "tiny-en"
LANGUAGE: Final = "en"

_T = TypeVar("_T")


@attrs.define(eq=False, repr=False)
class Moonshine:
    """The recogniser; the model is loaded with the first audio, once, which takes 0.5 s."""

    _model: Transcriber | None = attrs.field(default=None, init=False)
    _turn: trio.CapacityLimiter = attrs.field(factory=lambda: trio.CapacityLimiter(1), init=False)

    @property
    def name(self) -> str:
        """The name of the recogniser."""
        return "moonshine"

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> MoonshineStream:  # noqa: ARG002  # the model knows English alone, and no keyterms
        """Start a stream; language and keyterms are ignored."""
        return MoonshineStream(self)

    async def aclose(self) -> None:
        """Release the model, if it was loaded."""
        await self.release(self._close, is_needless=self._model is None)

    async def release(self, close: Callable[[], None], *, is_needless: bool) -> None:
        """Call *close* in a thread after all earlier turns, unless it has nothing to close.

        So a recogniser that has recognised nothing has used no thread, and virtual time goes on.
        """
        if is_needless and not self._turn.borrowed_tokens:  # a turn may go on without its task
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        with trio.CancelScope(shield=True):
            await self.take_turn(close)

    async def take_turn(self, work: Callable[[], _T]) -> _T:
        """Run *work* in a thread once all earlier turns are over.

        If cancelled while it waits, *work* is not done. If cancelled while it runs, it goes on in
        its thread, and its turn ends with it.

        Raises:
            RuntimeError: The library has failed.
        """
        try:
            return await trio.to_thread.run_sync(work, limiter=self._turn, abandon_on_cancel=True)
        except MoonshineError as error:
            raise RuntimeError(f"moonshine-voice failed: {error}") from None

    def open_library_stream(self) -> Stream:
        """Load the model if need be, and open a stream of the library, in a thread."""
        if self._model is None:
            path = Path(str(get_assets_path())) / MODEL
            self._model = Transcriber(path, ModelArch.TINY, options={"return_audio_data": "false"})
        stream = self._model.create_stream(update_interval=3600)  # each turn updates it itself
        stream.start()
        return stream

    def _close(self) -> None:
        model, self._model = self._model, None
        if model is not None:
            model.close()


@attrs.define(eq=False, repr=False)
class MoonshineStream:
    """The recognition of one stream.

    A final text ends the lines that the library has cut the speech into. The library gives no times
    of words, so those here are the line's, spread over its words by their length.
    """

    _recognizer: Moonshine
    _stream: Stream | None = attrs.field(default=None, init=False)
    _pending: bytes = attrs.field(default=b"", init=False)
    _sent: int = attrs.field(default=0, init=False)  # samples, in turns
    _begun: int = attrs.field(default=0, init=False)  # samples before those of `_stream`
    _lines: list[TranscriptLine] = attrs.field(factory=list, init=False)
    _has_text: bool = attrs.field(default=False, init=False)  # in the stream, before `_lines`
    _turn_bytes: int = attrs.field(default=RECORDING_TURN_BYTES, init=False)

    async def add(self, samples: bytes) -> None:
        """Take the samples; each turn is recognised before this returns."""
        await trio.lowlevel.checkpoint()
        self._pending += samples
        while len(self._pending) >= self._turn_bytes:
            size = self._turn_bytes
            turn, self._pending = self._pending[:size], self._pending[size:]
            self._lines = await self._recognizer.take_turn(partial(self._update, turn))

    def interim(self) -> Recognized:
        """Return the lines so far; the last one may be revised. From now on, turns are short."""
        self._turn_bytes = TURN_BYTES
        return self._recognized()

    def _recognized(self) -> Recognized:
        words: list[RecognizedWord] = []
        texts = [line.text.strip() for line in self._lines]
        for line in self._lines:
            words += _words(line, self._begun / SAMPLE_RATE)
        text = " ".join(filter(None, texts))
        return Recognized(
            text=f" {text}" if text and self._has_text else text,
            words=tuple(words),
            language=LANGUAGE if text else None,
        )

    async def finish(self) -> Recognized:
        """Complete the lines; the stream goes on with new ones."""
        turn, self._pending = self._pending, b""
        self._lines = await self._recognizer.take_turn(partial(self._finish, turn))
        final, self._lines = self._recognized(), []
        self._has_text = self._has_text or bool(final.text)
        return final

    async def aclose(self) -> None:
        """Close the stream of the library, once earlier turns are over."""
        await self._recognizer.release(self._close, is_needless=self._stream is None)

    def _update(self, samples: bytes) -> list[TranscriptLine]:
        self._add(samples)
        assert self._stream is not None
        return list(self._stream.update_transcription().lines)

    def _finish(self, samples: bytes) -> list[TranscriptLine]:
        if self._stream is None and not samples:
            return []
        self._update(samples)  # before it stops: it would lose lines that it has not recognised
        assert self._stream is not None
        self._stream.stop()
        lines = list(self._stream.update_transcription().lines)
        self._close()
        return lines

    def _add(self, samples: bytes) -> None:
        if self._stream is None:
            self._stream, self._begun = self._recognizer.open_library_stream(), self._sent
        wave = np.frombuffer(samples, "<i2").astype(np.float32) / 32768
        self._sent += len(wave)
        if len(wave):
            self._stream.add_audio(wave.tolist(), SAMPLE_RATE)

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def _words(line: TranscriptLine, begun_seconds: float) -> list[RecognizedWord]:
    """Spread the time of a line over its words, each with the blank after it."""
    texts = line.text.split()
    step = line.duration / max(1, sum(len(text) + 1 for text in texts) - 1)
    words, place = [], begun_seconds + line.start_time
    for text in texts:
        end = place + len(text) * step
        words.append(RecognizedWord(text=text, start_seconds=place, end_seconds=end))
        place = end + step
    return words

"""The recogniser ``auto``: the service's own speech exactly, and any other audio by another one.

The other recogniser gets only audio that is not the service's. Audio waits for a second, so that it
is known whose it is, and the other one starts with the first sound that needs it. Sessions with the
service's own speech therefore use no model and no thread.
"""

from __future__ import annotations

import array
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import trio

from trio_cartesia.server.recognition.interface import (
    NOTHING_RECOGNIZED,
    SAMPLE_RATE,
    RecognitionStatistics,
    Recognized,
    RecognizedWord,
    Recognizer,
    RecognizerStream,
)
from trio_cartesia.server.recognition.own_speech import OwnSpeech, OwnSpeechStream

__all__ = ["JoinedRecognizer"]

WAIT_BYTES: Final = 2 * SAMPLE_RATE  # a second
PIECE_BYTES: Final = WAIT_BYTES // 10
QUIET: Final = 100  # of 32767: the other recogniser is not started for less


@attrs.define(eq=False, repr=False)
class JoinedRecognizer:
    """The recogniser; both others are closed with it."""

    own: OwnSpeech
    other: Recognizer

    @property
    def name(self) -> str:
        """The name of the recogniser."""
        return "auto"

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> JoinedStream:
        """Start a stream."""
        own = self.own.open_stream(language=language, keyterms=keyterms)
        return JoinedStream(own, self.other, language, tuple(keyterms))

    def statistics(self) -> RecognitionStatistics:
        """Return what is held of the service's speech."""
        return self.own.statistics()

    async def aclose(self) -> None:
        """Close both recognisers."""
        await self.own.aclose()
        await self.other.aclose()


@attrs.define(eq=False, repr=False)
class JoinedStream:
    """The recognition of one stream; it holds up to a second of audio."""

    _own: OwnSpeechStream
    _recognizer: Recognizer
    _language: str
    _keyterms: tuple[str, ...]
    _other: RecognizerStream | None = attrs.field(default=None, init=False)
    _waiting: bytes = attrs.field(default=b"", init=False)
    _position: int = attrs.field(default=0, init=False)  # bytes before those that wait
    _begun: int = attrs.field(default=0, init=False)  # bytes before those of `_other`
    _has_text: bool = attrs.field(default=False, init=False)

    async def add(self, samples: bytes) -> None:
        """Recognise own speech, and pass on what is another's."""
        await self._own.add(samples)
        self._waiting += samples
        await self._pass_on(WAIT_BYTES)

    def interim(self) -> Recognized:
        """Return both texts since the last final one, in order of time."""
        other = NOTHING_RECOGNIZED if self._other is None else self._other.interim()
        return self._join(self._own.interim(), other)

    async def finish(self) -> Recognized:
        """Return both texts, in order of time."""
        await self._pass_on(0)
        own, other = await self._own.finish(), NOTHING_RECOGNIZED
        if self._other is not None:
            other = await self._other.finish()
            await self._close_other()
        final = self._join(own, other)
        self._has_text = self._has_text or bool(final.text)
        return final

    async def aclose(self) -> None:
        """Close both streams."""
        await self._own.aclose()
        await self._close_other()

    async def _close_other(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            await other.aclose()
        await trio.lowlevel.checkpoint()

    async def _pass_on(self, waiting: int) -> None:
        """Pass on audio, without the service's own speech, until *waiting* bytes are left."""
        while len(self._waiting) > waiting:
            piece, self._waiting = self._waiting[:PIECE_BYTES], self._waiting[PIECE_BYTES:]
            start, self._position = self._position, self._position + len(piece)
            if self._own.explains(_seconds(start), _seconds(self._position)):
                piece = bytes(len(piece))
            if self._other is None:
                if _peak(piece) < QUIET:
                    continue
                self._begun = start
                self._other = self._recognizer.open_stream(
                    language=self._language, keyterms=self._keyterms
                )
            await self._other.add(piece)

    def _join(self, own: Recognized, other: Recognized) -> Recognized:
        if not other.text:
            return own
        begun = _seconds(self._begun)
        words = [
            *((word.start_seconds, "own", separator, word) for separator, word in _pieces(own)),
            *(
                (word.start_seconds + begun, "other", separator, _later(word, begun))
                for separator, word in _pieces(other)
            ),
        ]
        words.sort(key=lambda item: item[0])
        text, last = "", "" if not self._has_text else "before"
        for _, source, separator, word in words:
            text += (separator if last == source else " " if last else "") + word.text
            last = source
        return Recognized(
            text=text,
            words=tuple(word for *_, word in words),
            language=own.language or other.language,
        )


def _pieces(recognized: Recognized) -> Iterator[tuple[str, RecognizedWord]]:
    """Yield the words, each with what stands before it in the text."""
    place = 0
    for word in recognized.words:
        start = recognized.text.index(word.text, place)
        yield recognized.text[place:start], word
        place = start + len(word.text)


def _later(word: RecognizedWord, seconds: float) -> RecognizedWord:
    return attrs.evolve(
        word,
        start_seconds=word.start_seconds + seconds,
        end_seconds=word.end_seconds + seconds,
    )


def _peak(samples: bytes) -> int:
    values = array.array("h", samples)
    return max(map(abs, values), default=0)


def _seconds(size_bytes: int) -> float:
    return size_bytes / (2 * SAMPLE_RATE)

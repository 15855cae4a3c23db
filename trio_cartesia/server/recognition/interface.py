"""The interface of a recogniser: samples to text with the times of words.

All samples are mono ``pcm_s16le`` at 16 kHz; `input` converts everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

import attrs

__all__ = [
    "NOTHING_RECOGNIZED",
    "SAMPLE_RATE",
    "HasStatistics",
    "RecognitionStatistics",
    "Recognized",
    "RecognizedWord",
    "Recognizer",
    "RecognizerStream",
    "SpeakingScore",
]

SAMPLE_RATE: Final = 16_000  # frames per second


def _size(speech: str) -> str:
    return f"<{len(speech)} characters>"


@attrs.frozen(kw_only=True)
class RecognizedWord:
    """A word with its punctuation; its times are seconds from the start of the stream."""

    text: str = attrs.field(repr=_size)
    start_seconds: float
    end_seconds: float


@attrs.frozen(kw_only=True)
class Recognized:
    """What a stretch of audio says.

    Attributes:
        text: The text with its white space, so that the texts of a stream are joined verbatim.
        words: The words of the text, in order; empty if their times are not known.
        language: The language of the text, such as ``en``; None if it is not known.
    """

    text: str = attrs.field(default="", repr=_size)
    words: tuple[RecognizedWord, ...] = attrs.field(
        default=(), repr=lambda words: f"<{len(words)}>"
    )
    language: str | None = None


NOTHING_RECOGNIZED: Final = Recognized()


class RecognizerStream(Protocol):
    """The recognition of one stream of audio; one task uses it at a time."""

    async def add(self, samples: bytes) -> None:
        """Take the next whole samples, without delaying other tasks by more than a few ms.

        Recognition may lag behind. If cancelled, the samples may or may not have been taken; the
        stream can still be closed.
        """

    def interim(self) -> Recognized:
        """Return the text of the audio since the last `finish`; it may be revised."""

    async def finish(self) -> Recognized:
        """Return the final text of all audio since the last `finish`; the stream goes on.

        If cancelled, that text may be lost.
        """

    async def aclose(self) -> None:
        """Stop the recognition and release what it holds. Idempotent."""


class Recognizer(Protocol):
    """Turns speech into text; implement it to give the local service a recogniser of your own."""

    @property
    def name(self) -> str:
        """The name in ``/_local/state``."""

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> RecognizerStream:
        """Start a stream.

        Args:
            language: The language that the client expects, such as ``en``.
            keyterms: Words that the client expects; a recogniser may ignore them.
        """

    async def aclose(self) -> None:
        """Release the model and its threads. Idempotent; streams are closed before."""


@attrs.frozen(kw_only=True)
class RecognitionStatistics:
    """What is held of the service's own speech, so that it can be recognised.

    Attributes:
        contexts: The contexts whose speech can be recognised.
        seconds: The duration of their speech, at most 1800 s.
        held_bytes: The memory of their samples and of the table.
    """

    contexts: int
    seconds: float
    held_bytes: int


@runtime_checkable
class HasStatistics(Protocol):
    """A recogniser of the service's own speech: ``own``, or ``auto`` with it."""

    def statistics(self) -> RecognitionStatistics:
        """Return what is held now."""


class SpeakingScore(Protocol):
    """Whether somebody is speaking, for the turns of protocol §4.4."""

    def add(self, samples: bytes) -> float:
        """Take the next whole samples, and return a score from 0 to 1 after them."""

"""The events of the TTS WebSocket (protocol §2.3), as frozen values with the wire's field names.

Words and audio are left out of every repr.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeVar

import attrs

from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent, size_of

__all__ = [
    "Chunk",
    "Done",
    "Event",
    "FlushDone",
    "PhonemeTimes",
    "PhonemeTimestamps",
    "Received",
    "Resumed",
    "WordTimes",
    "WordTimestamps",
]


@attrs.frozen(kw_only=True)
class Chunk:
    """A piece of a context's audio, in the order in which it is to be played.

    Attributes:
        context_id: The context that it belongs to.
        audio: Decoded bytes (``data`` on the wire); usually, but not always, whole frames.
        segment: The number of ``flush_done`` events before it in this context, from 0.
        flush_id: The service's own number of the segment; its first value is not documented.
        step_time: The milliseconds that the service took to generate it; diagnostic.
        status_code: 206 or 200; without meaning.
    """

    type: ClassVar[Literal["chunk"]] = "chunk"

    context_id: str
    audio: bytes = attrs.field(repr=size_of)
    segment: int = 0
    flush_id: int | None = None
    step_time: float | None = None
    status_code: int | None = None


_set_context_id, _set_audio, _set_segment, _set_flush_id, _set_step_time, _set_status_code = (
    getattr(Chunk, field.name).__set__ for field in attrs.fields(Chunk)
)


def make_chunk(
    context_id: str,
    audio: bytes,
    segment: int,
    flush_id: int | None,
    step_time: float | None,
    status_code: int | None,
) -> Chunk:
    """Make a `Chunk` whose fields are known to be right.

    Nearly all events are chunks. The ``__init__`` of a frozen class sets each field by a call of
    ``object.__setattr__``; setting the slots takes half the time.
    """
    chunk = object.__new__(Chunk)
    _set_context_id(chunk, context_id)
    _set_audio(chunk, audio)
    _set_segment(chunk, segment)
    _set_flush_id(chunk, flush_id)
    _set_step_time(chunk, step_time)
    _set_status_code(chunk, status_code)
    return chunk


@attrs.frozen(kw_only=True)
class WordTimes:
    """Words with their times, in three tuples of equal length.

    Attributes:
        words: Words with their punctuation; single characters for Chinese and Japanese.
        start: Seconds, counted from `WordTimestamps.base_seconds`.
        end: Likewise.
    """

    words: tuple[str, ...] = attrs.field(repr=size_of)
    start: tuple[float, ...] = attrs.field(repr=size_of)
    end: tuple[float, ...] = attrs.field(repr=size_of)


@attrs.frozen(kw_only=True)
class PhonemeTimes:
    """Phonemes with their times, in three tuples of equal length.

    Attributes:
        phonemes: In the International Phonetic Alphabet.
        start: Seconds, counted from `PhonemeTimestamps.base_seconds`.
        end: Likewise.
    """

    phonemes: tuple[str, ...] = attrs.field(repr=size_of)
    start: tuple[float, ...] = attrs.field(repr=size_of)
    end: tuple[float, ...] = attrs.field(repr=size_of)


Times = TypeVar("Times", WordTimes, PhonemeTimes)


def _from_start(times: Times, base: float) -> Times:
    if not base:
        return times
    start, end = (tuple(base + seconds for seconds in each) for each in (times.start, times.end))
    return attrs.evolve(times, start=start, end=end)


@attrs.frozen(kw_only=True)
class WordTimestamps:
    """Words with their times (``timestamps`` on the wire), sent before or after their chunks.

    Attributes:
        context_id: The context that it belongs to.
        word_timestamps: The words and their times, as the service sent them.
        segment: As in `Chunk`.
        flush_id: As in `Chunk`.
        status_code: As in `Chunk`.
        base_seconds: Where in the context's audio the times count from: 0, or the start of the
            segment if the service starts anew with each (protocol §7.1 T4).
    """

    type: ClassVar[Literal["timestamps"]] = "timestamps"

    context_id: str
    word_timestamps: WordTimes
    segment: int = 0
    flush_id: int | None = None
    status_code: int | None = None
    base_seconds: float = 0.0

    def from_start(self) -> WordTimes:
        """Return the times as seconds from the start of the context's audio."""
        return _from_start(self.word_timestamps, self.base_seconds)


@attrs.frozen(kw_only=True)
class PhonemeTimestamps:
    """Phonemes with their times, sent before or after their chunks.

    Attributes:
        context_id: The context that it belongs to.
        phoneme_timestamps: The phonemes and their times, as the service sent them.
        segment: As in `Chunk`.
        flush_id: As in `Chunk`.
        status_code: As in `Chunk`.
        base_seconds: As in `WordTimestamps`.
    """

    type: ClassVar[Literal["phoneme_timestamps"]] = "phoneme_timestamps"

    context_id: str
    phoneme_timestamps: PhonemeTimes
    segment: int = 0
    flush_id: int | None = None
    status_code: int | None = None
    base_seconds: float = 0.0

    def from_start(self) -> PhonemeTimes:
        """Return the times as seconds from the start of the context's audio."""
        return _from_start(self.phoneme_timestamps, self.base_seconds)


@attrs.frozen(kw_only=True)
class FlushDone:
    """The end of a segment: all of its chunks were sent before it (protocol §2.7).

    If ``max_buffer_delay_ms`` is 0, the service may send it without a flush.

    Attributes:
        context_id: The context that it belongs to.
        segment: The segment that it ends, counted from 0.
        flush_id: As in `Chunk`.
        status_code: As in `Chunk`.
    """

    type: ClassVar[Literal["flush_done"]] = "flush_done"

    context_id: str
    segment: int = 0
    flush_id: int | None = None
    status_code: int | None = None


@attrs.frozen(kw_only=True)
class Done:
    """The end of the context: no event of it follows.

    Attributes:
        context_id: The context that it belongs to.
        status_code: As in `Chunk`.
    """

    type: ClassVar[Literal["done"]] = "done"

    context_id: str
    status_code: int | None = None


@attrs.frozen(kw_only=True)
class Resumed:
    """The connection was lost, and the rest of the text is spoken on another one.

    It comes from ``pool.speak(..., resume=True)`` alone, between the events of the two connections.

    Attributes:
        context_id: The context that speaks the rest.
        after_word: The last word that was delivered whole, as the service sent it; None if none
            was. The rest begins with the word after it, of which a part may have been delivered.
        attempt: 1 where the text is resumed for the first time.
    """

    type: ClassVar[Literal["resumed"]] = "resumed"

    context_id: str
    after_word: str | None = attrs.field(repr=size_of)
    attempt: int


Event = Chunk | WordTimestamps | PhonemeTimestamps | FlushDone | Done | Resumed | UnknownEvent
Received = Event | ErrorEvent

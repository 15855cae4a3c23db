"""Events of a context that may be resumed: audio waits for word times, and word times for audio."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.tts.messages import (
    Chunk,
    Done,
    Event,
    FlushDone,
    PhonemeTimes,
    PhonemeTimestamps,
    WordTimes,
    WordTimestamps,
)

__all__ = ["UNCOVERED_SECONDS", "Delivery"]

UNCOVERED_SECONDS: Final = 30.0  # of audio that waits for word times
ROUNDING_SECONDS: Final = 0.002  # of times, which may end a little behind their audio


@attrs.frozen
class _Unit:
    """A word or a phoneme that is not due yet; its times count from the start of the context."""

    text: str
    start: float
    end: float
    event: WordTimestamps | PhonemeTimestamps


@attrs.define(eq=False)
class Delivery:
    """Decides what of a context's events is delivered, so that after a loss it is known where.

    Audio is delivered as far as the word times that have come cover it, and a word's time is
    delivered once all of its audio was. So the words delivered are those that were heard, but for
    one: the one whose audio was under way. Where the service sends no word times for so long that
    `UNCOVERED_SECONDS` of audio wait, everything is delivered as it comes from then on.

    Times are delivered as seconds from the start of the whole utterance, whichever base the service
    uses (protocol §7.1 T4).

    Attributes:
        base_seconds: The audio of the contexts before this one.
        base_segment: Their segments.
        words: Words that were delivered.
        last_word: The last one of them.
        has_received: True once an event has come.
        is_tracked: False once audio was delivered without word times.
    """

    _format: SampleFormat
    base_seconds: float = 0.0
    base_segment: int = 0
    words: int = attrs.field(default=0, init=False)
    last_word: str | None = attrs.field(default=None, init=False, repr=False)
    has_received: bool = attrs.field(default=False, init=False)
    is_tracked: bool = attrs.field(default=True, init=False)
    _held: deque[Chunk | FlushDone] = attrs.field(factory=deque, init=False, repr=False)
    _words: deque[_Unit] = attrs.field(factory=deque, init=False, repr=False)
    _phonemes: deque[_Unit] = attrs.field(factory=deque, init=False, repr=False)
    _received_bytes: int = attrs.field(default=0, init=False)
    _delivered_bytes: int = attrs.field(default=0, init=False)
    _segments: int = attrs.field(default=0, init=False)  # that were delivered
    _covered_seconds: float = attrs.field(default=0.0, init=False)

    def next(self) -> Delivery:
        """Return the delivery of the context that goes on where this one was cut."""
        return Delivery(
            self._format,
            self.base_seconds + self._delivered_seconds,
            self.base_segment + self._segments,
        )

    @property
    def held_bytes(self) -> int:
        """Audio that has come and was not delivered."""
        return self._received_bytes - self._delivered_bytes

    @property
    def waiting_words(self) -> list[str]:
        """The words whose times have come and were not delivered."""
        return [unit.text for unit in self._words]

    def add(self, event: Event) -> Iterator[Event]:
        """Take the context's next event, and yield what is to be delivered now."""
        self.has_received = True
        if isinstance(event, (Chunk, FlushDone)):
            self._hold(event)
        elif isinstance(event, WordTimestamps):
            self._add_words(event)
        elif isinstance(event, PhonemeTimestamps):
            phonemes = event.from_start()
            self._phonemes += _units(event, phonemes.phonemes, phonemes.start, phonemes.end)
        elif isinstance(event, Done):
            self.is_tracked = False  # there is nothing left to lose
        yield from self._release()
        if not isinstance(event, (Chunk, FlushDone, WordTimestamps, PhonemeTimestamps)):
            yield event

    def drop_times(self) -> None:
        """Drop the words and phonemes that wait: the rest of their audio will not come."""
        self._words.clear()
        self._phonemes.clear()

    def _hold(self, event: Chunk | FlushDone) -> None:
        self._held.append(event)
        if isinstance(event, Chunk):
            self._received_bytes += len(event.audio)

    def _add_words(self, event: WordTimestamps) -> None:
        times = event.from_start()
        self._words += _units(event, times.words, times.start, times.end)
        if self._words:
            self._covered_seconds = max(self._covered_seconds, self._words[-1].end)

    def _release(self) -> Iterator[Event]:
        limit_bytes = self._limit_bytes()
        while self._held:
            event = self._held[0]
            if isinstance(event, Chunk):
                room = limit_bytes - self._delivered_bytes
                if len(event.audio) > room:
                    if room <= 0:
                        break
                    self._held[0] = _with_audio(event, event.audio[int(room) :])
                    event = _with_audio(event, event.audio[: int(room)])
                else:
                    self._held.popleft()
                self._delivered_bytes += len(event.audio)
            else:
                self._held.popleft()
                self._segments += 1
            yield _later(event, self.base_segment)
        yield from self._release_times()

    def _limit_bytes(self) -> float:
        """Return how much audio may have been delivered, in whole frames while it is tracked."""
        size, received = self._format.bytes_per_frame, self._format.frames(self._received_bytes)
        covered = round(self._covered_seconds * self._format.sample_rate)
        if received - covered > UNCOVERED_SECONDS * self._format.sample_rate:
            self.is_tracked = False
        return min(covered, received) * size if self.is_tracked else math.inf

    @property
    def _delivered_seconds(self) -> float:
        return self._format.seconds(self._delivered_bytes)

    def _release_times(self) -> Iterator[Event]:
        until = self._delivered_seconds + ROUNDING_SECONDS if self.is_tracked else math.inf
        words, phonemes = _take_until(self._words, until), _take_until(self._phonemes, until)
        if words:
            self.words += len(words)
            self.last_word = words[-1].text
        for _, units in itertools.groupby([*words, *phonemes], key=lambda unit: id(unit.event)):
            yield self._times(list(units))

    def _times(self, units: list[_Unit]) -> Event:
        """Return the times of *units*, which came in one event."""
        event = units[0].event
        texts = tuple(unit.text for unit in units)
        start = tuple(self.base_seconds + unit.start for unit in units)
        end = tuple(self.base_seconds + unit.end for unit in units)
        segment = event.segment + self.base_segment
        if isinstance(event, WordTimestamps):
            words = WordTimes(words=texts, start=start, end=end)
            return attrs.evolve(event, word_timestamps=words, segment=segment, base_seconds=0.0)
        phonemes = PhonemeTimes(phonemes=texts, start=start, end=end)
        return attrs.evolve(event, phoneme_timestamps=phonemes, segment=segment, base_seconds=0.0)


def _units(
    event: WordTimestamps | PhonemeTimestamps,
    texts: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
) -> list[_Unit]:
    return [
        _Unit(text, start, end, event)
        for text, start, end in zip(texts, starts, ends, strict=False)
    ]


def _take_until(units: deque[_Unit], until: float) -> list[_Unit]:
    taken = []
    while units and units[0].end <= until:
        taken.append(units.popleft())
    return taken


def _with_audio(chunk: Chunk, audio: bytes) -> Chunk:
    return attrs.evolve(chunk, audio=audio)


def _later(event: Chunk | FlushDone, segments: int) -> Chunk | FlushDone:
    return attrs.evolve(event, segment=event.segment + segments) if segments else event

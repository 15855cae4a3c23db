"""The index of what the service has spoken, built from the journal in small steps.

It is bounded: the newest 30 minutes of speech, at most 33 MB, and a table of 8 MiB, which is
allocated with the first speech that is indexed. Speech that the journal drops is dropped here, too.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.recognition.fingerprints import (
    RATE,
    Decimator,
    PostingTable,
    Wave,
    fingerprints,
)
from trio_cartesia.server.recognition.input import InputConverter
from trio_cartesia.server.recognition.interface import RecognitionStatistics
from trio_cartesia.server.recognition.spoken_text import SpokenText

__all__ = ["HOP", "IndexedSpeech", "SpeechIndex"]

HOP: Final = 128  # samples between the fingerprints of the index
MAX_SECONDS: Final = 1800.0
STEP_SECONDS: Final = 0.5  # of audio, which takes about a millisecond to index
FRAME_BITS: Final = 24  # of a place; the rest is the number of the speech


@attrs.define(eq=False, repr=False)
class IndexedSpeech:
    """The speech of one context at 8 kHz.

    Attributes:
        number: Counted from 0, in the order of indexing.
        record: Its record in the journal.
        text: Its words.
        size: The number of samples.
    """

    number: int
    record: ContextRecord
    text: SpokenText = attrs.field(init=False)
    size: int = attrs.field(default=0, init=False)
    _samples: npt.NDArray[np.int16] = attrs.field(factory=lambda: np.zeros(0, np.int16), init=False)
    _taken_bytes: int = attrs.field(default=0, init=False)
    _fingerprinted: int = attrs.field(default=0, init=False)  # fingerprints in the table
    _converter: InputConverter = attrs.field(init=False)
    _decimator: Decimator = attrs.field(factory=Decimator, init=False)

    def __attrs_post_init__(self) -> None:
        output = self.record.settings.output
        self.text = SpokenText(self.record)
        self._converter = InputConverter(encoding=output.encoding, sample_rate=output.sample_rate)

    @property
    def held_bytes(self) -> int:
        """The memory of the samples; an eighth of it may be free."""
        return self._samples.nbytes

    @property
    def seconds(self) -> float:
        """The duration of the samples."""
        return self.size / RATE

    def wave(self, start: int, size: int) -> Wave:
        """Return samples from *start* on, with zeros beyond both ends."""
        found = np.zeros(size, np.float32)
        low, high = max(0, start), min(self.size, start + size)
        if low < high:
            found[low - start : high - start] = self._samples[low:high]
        return found

    def take(self, table: PostingTable) -> bool:
        """Index the next half second; return whether there is more."""
        output = self.record.settings.output
        step = output.bytes_per_frame * int(output.sample_rate * STEP_SECONDS)
        piece = bytes(self.record.audio[self._taken_bytes : self._taken_bytes + step])
        self._taken_bytes += len(piece)
        for samples in self._converter.convert(piece):
            self._append(self._decimator.add(samples))
        self._insert(table)
        has_more = self._taken_bytes < len(self.record.audio)
        return has_more and self.seconds < MAX_SECONDS

    def _append(self, wave: Wave) -> None:
        end = self.size + len(wave)
        if end > len(self._samples):
            free = np.zeros(len(wave) + end // 8, np.int16)
            self._samples = np.concatenate([self._samples[: self.size], free])
        self._samples[self.size : end] = np.rint(wave).clip(-32768, 32767)
        self.size = end

    def _insert(self, table: PostingTable) -> None:
        start = HOP * self._fingerprinted
        slots, has_sound = fingerprints(self.wave(start, self.size - start), HOP)
        frames = np.arange(self._fingerprinted, self._fingerprinted + len(slots))
        places = (self.number << FRAME_BITS) | frames
        table.insert(slots[has_sound], places[has_sound])
        self._fingerprinted += len(slots)


@attrs.define(eq=False, repr=False)
class SpeechIndex:
    """The index of one journal; its only reader."""

    journal: Journal
    _table: PostingTable | None = attrs.field(default=None, init=False)
    _speeches: dict[ContextRecord, IndexedSpeech] = attrs.field(factory=dict, init=False)
    _numbered: dict[int, IndexedSpeech] = attrs.field(factory=dict, init=False)
    _waiting: dict[ContextRecord, None] = attrs.field(factory=dict, init=False)  # in order
    _next_number: int = attrs.field(default=0, init=False)
    _size: int = attrs.field(default=0, init=False)  # samples of all speeches
    _held_bytes: int = attrs.field(default=0, init=False)  # their memory

    def statistics(self) -> RecognitionStatistics:
        """Return the counters as they are now."""
        table = 0 if self._table is None else self._table.size_bytes
        return RecognitionStatistics(
            contexts=len(self._speeches),
            seconds=self._size / RATE,
            held_bytes=self._held_bytes + table,
        )

    def advance(self) -> bool:
        """Index half a second of new speech; return False if there is none."""
        self._queue(self.journal.take_new_speech())
        self._drop_oldest()
        if not self._waiting:
            return False
        record = next(iter(self._waiting))
        table = self._table = self._table or PostingTable()
        speech = self._speech_of(record)
        self._count(speech, -1)
        if not speech.take(table):
            del self._waiting[record]
        self._count(speech, 1)
        return True

    def find(self, slots: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Return where fingerprints were spoken: indices of *slots*, numbers, and samples."""
        if self._table is None:
            empty = np.zeros(0, np.int64)
            return empty, empty, empty
        places = self._table.find(slots)
        rows, ways = np.nonzero(places >= 0)
        found = places[rows, ways]
        return rows, found >> FRAME_BITS, HOP * (found & ((1 << FRAME_BITS) - 1))

    def speech(self, number: int) -> IndexedSpeech | None:
        """Return the speech with that number, unless it was dropped."""
        speech = self._numbered.get(number)
        return speech if speech is not None and speech.record.complete else None

    def _queue(self, records: list[ContextRecord]) -> None:
        """Queue the newest of *records*, as far as the bound allows."""
        seconds = 0.0
        for number, record in enumerate(reversed(records), start=1):
            seconds += record.audio_seconds
            if seconds > MAX_SECONDS and number > 1:
                del records[: len(records) - number + 1]
                break
        self._waiting.update(dict.fromkeys(records))

    def _speech_of(self, record: ContextRecord) -> IndexedSpeech:
        speech = self._speeches.get(record)
        if speech is None:
            speech = self._speeches[record] = IndexedSpeech(self._next_number, record)
            self._numbered[speech.number] = speech
            self._next_number += 1
        return speech

    def _count(self, speech: IndexedSpeech, sign: int) -> None:
        self._size += sign * speech.size
        self._held_bytes += sign * speech.held_bytes

    def _drop_oldest(self) -> None:
        """Drop what the journal has dropped, and then the oldest beyond the bound."""
        while self._speeches:
            record, speech = next(iter(self._speeches.items()))
            is_beyond = len(self._speeches) > 1 and self._size > MAX_SECONDS * RATE
            if record.complete and not is_beyond:
                return
            del self._speeches[record], self._numbered[speech.number]
            self._count(speech, -1)
            self._waiting.pop(record, None)

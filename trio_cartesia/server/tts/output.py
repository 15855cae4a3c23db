"""The output of one context: chunks, times and segments, in order and paced.

A context creates and sends one event at a time, so it holds the audio of at most one sentence and
encodes one chunk of it at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import attrs
import trio

from trio_cartesia._protocol.base.audio import SILENCE
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord, SpokenUnit
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.tts import events
from trio_cartesia.server.tts.sinks import Sink
from trio_cartesia.server.tts.text_queue import Sentence
from trio_cartesia.server.voices.interface import Spoken, Utterance

__all__ = ["ContextOutput"]


@attrs.define(eq=False, kw_only=True)
class ContextOutput:
    """The output of one context.

    Attributes:
        active_at: The time of the last event.
        duration: Seconds after which the audio is cut, or None.
    """

    settings: Generation
    record: ContextRecord
    active_at: float = attrs.field(factory=trio.current_time, init=False)
    duration: float | None = attrs.field(default=None, init=False)
    _journal: Journal
    _behaviour: Behaviour
    _sink: Sink
    _made_at: float = attrs.field(factory=trio.current_time, init=False)
    _chunks_left: float = attrs.field(default=math.inf, init=False)
    _is_sending_chunk: bool = attrs.field(default=False, init=False)
    _frames: int = attrs.field(default=0, init=False)
    _segment_start: int = attrs.field(default=0, init=False)  # in frames
    _flush_id: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._flush_id = self._behaviour.flush_id_base

    @property
    def is_full(self) -> bool:
        """True if the audio has reached `duration`."""
        return self._frames >= self._most_frames

    @property
    def _most_frames(self) -> float:
        if self.duration is None:
            return math.inf
        return int(self.duration * self.settings.output.sample_rate)

    def utterance(self, sentence: Sentence) -> Utterance:
        """Return the utterance for *sentence*."""
        settings, delivery = self.settings, sentence.delivery
        normalized = settings.use_normalized_timestamps
        if normalized is None:  # protocol §7.1 T32
            normalized = self._behaviour.normalized_default
        return Utterance(
            text=sentence.text,
            voice_id=settings.voice_id,
            voice=settings.voice,
            language=settings.locale or settings.language,
            sample_rate=settings.output.sample_rate,
            speed=delivery.speed,
            volume=delivery.volume,
            emotion=delivery.emotion,
            spelled=sentence.spelled,
            closes=sentence.closes,
            spans=sentence.spans,
            normalized=normalized,
            normalization=settings.normalization,
        )

    def stop(self, chunks: int) -> None:
        """Stop after *chunks* more chunks, the one being sent included, and send no more times."""
        self._chunks_left = max(0, chunks - self._is_sending_chunk)

    async def send_speech(self, spoken: Spoken, started: float) -> None:
        """Send a sentence whose synthesis began at *started*.

        Raises:
            Disconnected: The peer has left.
        """
        behaviour, before = self._behaviour, self._frames
        shown_before = before
        if behaviour.times_per_segment:  # protocol §7.1 T4
            shown_before -= self._segment_start
        shown = self._units(spoken, shown_before, self._most_frames - before, self._requested)
        chunks = events.cut(spoken.samples, self.settings.output, behaviour.chunk_bytes)
        try:
            await self._send_chunks(chunks, started, shown)
        finally:  # also if the peer has left: it may have what was sent
            sent = self._units(spoken, before, self._frames - before, (True, True))
            self._journal.add_times(self.record, *sent)

    @property
    def _requested(self) -> tuple[bool, bool]:
        return self.settings.add_timestamps, self.settings.add_phoneme_timestamps

    async def pause(self, seconds: float) -> None:
        """Send silence, a chunk at a time so that a long pause takes no more memory.

        Raises:
            Disconnected: The peer has left.
        """
        output = self.settings.output
        frames = round(seconds * output.sample_rate)
        step = output.frames(self._behaviour.chunk_bytes)
        chunks = (
            SILENCE[output.encoding] * min(step, frames - start) for start in range(0, frames, step)
        )
        await self._send_chunks(chunks, trio.current_time(), ([], []))

    async def end_segment(self) -> None:
        """Send ``flush_done``.

        Raises:
            Disconnected: The peer has left.
        """
        flush_id, self._flush_id = self._flush_id, self._flush_id + 1
        self._segment_start = self._frames
        await self._sink.flush_done(flush_id=flush_id)
        self.record.flushes += 1
        self.active_at = trio.current_time()

    def _units(
        self, spoken: Spoken, before: int, frames: float, included: tuple[bool, bool]
    ) -> tuple[list[SpokenUnit], list[SpokenUnit]]:
        """Return the words and phonemes, if included, that end within *frames* frames.

        They are created as late as possible, because each object costs the garbage collector time.

        Args:
            spoken: The sentence.
            before: The number of frames before it.
            frames: The number of its frames to consider.
            included: Whether to return words, and whether to return phonemes.
        """
        rate = self.settings.output.sample_rate
        words, phonemes = (
            [unit for unit in units if is_included and unit.end <= frames]
            for units, is_included in zip((spoken.words, spoken.phonemes), included, strict=True)
        )
        return (
            events.units_of(words, before=before, sample_rate=rate),
            events.units_of(phonemes, before=before, sample_rate=rate),
        )

    async def _send_chunks(
        self,
        chunks: Iterator[bytes],
        started: float,
        times: tuple[list[SpokenUnit], list[SpokenUnit]],
    ) -> None:
        output, times_first = self.settings.output, self._behaviour.timestamps_first
        for number, whole in enumerate(self._cut_short(chunks)):
            if number == 0 and times_first:  # protocol §7.1 T3
                await self._send_times(*times)
            await self._keep_pace(len(whole))
            if not self._chunks_left:
                break
            await self._send_chunk(whole, trio.current_time() - started)
            self._frames += output.frames(len(whole))
            if number == 0 and not times_first:
                await self._send_times(*times)
            started = trio.current_time()

    def _cut_short(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield *chunks* up to `duration`."""
        size = self.settings.output.bytes_per_frame
        for chunk in itertools.takewhile(lambda _: not self.is_full, chunks):
            left = self._most_frames - self._frames
            yield chunk if len(chunk) <= left * size else chunk[: int(left) * size]

    async def _keep_pace(self, size: int) -> None:
        """Wait until the next chunk, of *size* bytes, is due at the configured pace."""
        if self._made_at > trio.current_time():
            await trio.sleep_until(self._made_at)
        seconds = self.settings.output.seconds(size) / self._behaviour.times_real_time
        self._made_at = trio.current_time() + seconds

    async def _send_chunk(self, audio: bytes, step_seconds: float) -> None:
        self._chunks_left -= 1
        self._is_sending_chunk = True
        await self._sink.chunk(audio, flush_id=self._flush_id, step_seconds=step_seconds)
        self.active_at = trio.current_time()
        self._is_sending_chunk = False
        self._journal.add_chunk(self.record, audio)

    async def _send_times(self, words: list[SpokenUnit], phonemes: list[SpokenUnit]) -> None:
        """Send the times that the client has requested."""
        for unit, units in (("word", words), ("phoneme", phonemes)):
            if units and self._chunks_left == math.inf:  # else their audio may not be sent
                await self._sink.times(unit, units, flush_id=self._flush_id)
                self.active_at = trio.current_time()

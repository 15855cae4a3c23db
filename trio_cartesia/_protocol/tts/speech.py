"""The speech of one context, as one value."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.base.events import size_of
from trio_cartesia._protocol.text.subtitle_formats import SubtitleFormat
from trio_cartesia._protocol.text.timeline import TimedWord, Timeline
from trio_cartesia._protocol.tts.formats import RawOutputFormat
from trio_cartesia._protocol.tts.messages import (
    Chunk,
    Event,
    FlushDone,
    PhonemeTimestamps,
    WordTimes,
    WordTimestamps,
)
from trio_cartesia._protocol.tts.subtitles import subtitles_at_once
from trio_cartesia._protocol.tts.timings import Timings

__all__ = ["Segment", "Speech", "SpeechBuilder", "TimedText"]


@attrs.frozen(kw_only=True)
class TimedText:
    """A word or a phoneme, with its times.

    Attributes:
        text: The text as the service sent it.
        start: Its start, in seconds from the start of the context's audio.
        end: Its end, likewise.
    """

    text: str = attrs.field(repr=False)
    start: float
    end: float


@attrs.frozen(kw_only=True)
class Segment:
    """The audio up to a ``flush_done`` event, or after the last one.

    Attributes:
        audio: Its bytes.
        flush_id: The service's own number of the segment, or None.
    """

    audio: bytes = attrs.field(repr=size_of)
    flush_id: int | None


@attrs.frozen(kw_only=True)
class Speech:
    """The speech of a context.

    Attributes:
        audio: All bytes, in order; whole frames if the service sent whole frames.
        output_format: The layout of the audio.
        words: The words with their times; empty without ``add_timestamps``.
        phonemes: The phonemes with their times; empty without ``add_phoneme_timestamps``.
        segments: The same audio, divided into segments.
        text: The text that was pushed, verbatim.
        complete: True if the service ended the context after its final input, and audio arrived
            after the last text with a letter or digit in it. False if the speech was cut short by
            `Context.cancel`, by expiry or by an error, or if audio for an unknown context was
            dropped meanwhile, because it may belong to this one.
        timings: When its context was opened, pushed to, sent, answered and ended; it does not count
            when two are compared.
    """

    audio: bytes = attrs.field(repr=size_of)
    output_format: RawOutputFormat
    words: tuple[TimedText, ...] = attrs.field(repr=size_of)
    phonemes: tuple[TimedText, ...] = attrs.field(repr=size_of)
    segments: tuple[Segment, ...]
    text: str = attrs.field(repr=size_of)
    complete: bool
    timings: Timings = attrs.field(eq=False)

    @property
    def sample_format(self) -> SampleFormat:
        """The layout of the audio, with conversions between bytes and seconds."""
        return self.output_format.sample_format

    def timeline(self) -> tuple[TimedWord, ...]:
        """Return the words, each with its characters in `text`.

        Punctuation belongs to the word beside it. Words that are read otherwise than written stand
        for what lies between the words around them: "five" has none of "$5", and "dollars" both.
        """
        timeline, times = Timeline(), self._word_times
        timeline.add_text(self.text)
        timeline.add_words(times.words, times.start, times.end)
        timeline.finish(complete=self.complete)
        return timeline.words

    def subtitles(self, format: SubtitleFormat) -> str:  # noqa: A002  # what it is called
        """Return subtitles, as `SubtitleWriter` writes them.

        Args:
            format: ``"srt"``, ``"vtt"``, ``"textgrid"`` or ``"json"``.

        Raises:
            LocalProtocolError: The format is another one, or the context lacked
                ``add_timestamps=True``.
        """
        return subtitles_at_once(
            format,
            self.text,
            self._word_times,
            complete=self.complete,
            duration_seconds=self.duration_seconds,
        )

    @property
    def _word_times(self) -> WordTimes:
        return WordTimes(
            words=tuple(word.text for word in self.words),
            start=tuple(word.start for word in self.words),
            end=tuple(word.end for word in self.words),
        )

    @property
    def duration_seconds(self) -> float:
        """The duration of the audio."""
        return self.sample_format.seconds(len(self.audio))


@attrs.define(eq=False)
class SpeechBuilder:
    """Builds a `Speech` from events."""

    output_format: RawOutputFormat
    _audio: list[bytes] = attrs.field(factory=list, init=False, repr=False)
    _segments: list[Segment] = attrs.field(factory=list, init=False)
    _flush_id: int | None = attrs.field(default=None, init=False)
    _words: list[TimedText] = attrs.field(factory=list, init=False, repr=False)
    _phonemes: list[TimedText] = attrs.field(factory=list, init=False, repr=False)

    def add(self, event: Event) -> None:
        """Add the next event."""
        if isinstance(event, Chunk):
            self._audio.append(event.audio)
            self._flush_id = event.flush_id
        elif isinstance(event, WordTimestamps):
            words = event.from_start()
            self._words += _timed(words.words, words.start, words.end)
        elif isinstance(event, PhonemeTimestamps):
            phonemes = event.from_start()
            self._phonemes += _timed(phonemes.phonemes, phonemes.start, phonemes.end)
        elif isinstance(event, FlushDone):
            self._flush_id = event.flush_id if self._flush_id is None else self._flush_id
            self._end_segment()

    def finish(self, timings: Timings, text: str, *, complete: bool) -> Speech:
        """Return the speech."""
        if self._audio:
            self._end_segment()
        return Speech(
            audio=b"".join(segment.audio for segment in self._segments),
            output_format=self.output_format,
            words=tuple(self._words),
            phonemes=tuple(self._phonemes),
            segments=tuple(self._segments),
            text=text,
            complete=complete,
            timings=timings,
        )

    def _end_segment(self) -> None:
        self._segments.append(Segment(audio=b"".join(self._audio), flush_id=self._flush_id))
        self._audio, self._flush_id = [], None


def _timed(
    texts: tuple[str, ...], starts: tuple[float, ...], ends: tuple[float, ...]
) -> list[TimedText]:
    return [
        TimedText(text=text, start=start, end=end)
        for text, start, end in zip(texts, starts, ends, strict=True)
    ]

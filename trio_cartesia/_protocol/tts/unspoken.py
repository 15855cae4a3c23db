"""The text that a context was sent, and how much of it has no audio."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from trio_cartesia._protocol.text.alignment import Alignment
from trio_cartesia._protocol.tts.messages import WordTimes

__all__ = [
    "KEPT_WORDS",
    "TRANSCRIPT_CHARACTERS",
    "UNSPOKEN_CHARACTERS",
    "SpokenWords",
    "Transcript",
    "Unspoken",
]

UNSPOKEN_CHARACTERS: Final = 65_536
TRANSCRIPT_CHARACTERS: Final = 2**20  # some twenty hours of speech
KEPT_WORDS: Final = 1024
ALIGNED_WORDS: Final = 128  # with audio, after which they are forgotten
ROUNDING_SECONDS: Final = 0.001  # of a word's start, which may lie a little before the audio's end
UNTIMED_SECONDS: Final = 30.0  # of audio behind the last word, after which times are not relied on


@attrs.define(eq=False)
class Transcript:
    """The text that was sent, up to a bound: what goes past it is not kept.

    Attributes:
        characters: How many are kept.
        is_whole: False once some were not kept.
    """

    characters: int = attrs.field(default=0, init=False)
    is_whole: bool = attrs.field(default=True, init=False)
    _pieces: list[str] = attrs.field(factory=list, init=False, repr=False)

    def add(self, piece: str) -> None:
        """Note that *piece* was sent."""
        fits = self.characters + len(piece) <= TRANSCRIPT_CHARACTERS
        self.is_whole = self.is_whole and fits
        if piece and self.is_whole:
            self._pieces.append(piece)
            self.characters += len(piece)

    def pieces(self, start: int = 0) -> list[str]:
        """Return the pieces from number *start* on."""
        return self._pieces[start:]

    def pieces_behind(self, offset: int) -> list[str]:
        """Return what is left of each piece behind *offset*."""
        rest, start = [], 0
        for piece in self._pieces:
            rest.append(piece[max(0, offset - start) :])
            start += len(piece)
        return rest


@attrs.define(eq=False)
class Unspoken:
    """The transcripts that were sent after the last audio came: the newest, up to a bound.

    Attributes:
        pending: The transcripts; None or empty if there are none.
        has_words: Whether one of them has a letter or a digit, or one that the bound has dropped.
    """

    pending: deque[str] | None = attrs.field(default=None, init=False, repr=False)
    has_words: bool = attrs.field(default=False, init=False)
    _characters: int = attrs.field(default=0, init=False)
    _cleared: tuple[int, deque[str] | None] = attrs.field(
        default=(-1, None), init=False, repr=False
    )

    def add(self, transcript: str) -> None:
        """Note that *transcript* was sent."""
        if not transcript:
            return
        if self.pending is None:  # an empty deque takes 760 bytes
            self.pending = deque()
        self.pending.append(transcript)
        self._characters += len(transcript)
        self.has_words = self.has_words or any(map(str.isalnum, transcript))
        while self._characters > UNSPOKEN_CHARACTERS and len(self.pending) > 1:
            self._characters -= len(self.pending.popleft())

    def clear(self, audio_bytes: int) -> None:
        """Note that audio came, after so many bytes of it."""
        self._cleared = (audio_bytes, self.pending)
        self.pending = None
        self.has_words = False
        self._characters = 0

    def restore(self, audio_bytes: int) -> None:
        """Note that the audio after so many bytes was dropped, which came last."""
        cleared_at, pending = self._cleared
        if cleared_at == audio_bytes:
            self.pending = pending
            self._characters = sum(map(len, self.texts()))
            self.has_words = any(any(map(str.isalnum, text)) for text in self.texts())

    def texts(self) -> tuple[str, ...]:
        """Return what is left, oldest first."""
        return tuple(self.pending or ())


@attrs.define(eq=False)
class SpokenWords:
    """The words of a context and when they start, to find the first one of which no audio came.

    They are aligned with the text when that is asked for, after an error, or when `ALIGNED_WORDS`
    of them have audio; then those are forgotten. Where they cannot be, since they are not in the
    text, or where more than `KEPT_WORDS` wait for audio, nothing is known from then on.

    Attributes:
        count: How many are kept.
    """

    count: int = attrs.field(default=0, init=False)
    _times: deque[WordTimes] = attrs.field(factory=deque, init=False, repr=False)
    _offset: int = attrs.field(default=0, init=False)  # where the words before them end
    _end_seconds: float = attrs.field(default=0.0, init=False)  # of the last word
    _is_known: bool = attrs.field(default=True, init=False)

    def add(self, times: WordTimes, transcript: Transcript, audio_seconds: float) -> None:
        """Take the next words, whose times count from the start of the audio.

        Args:
            times: The times of the words.
            transcript: The text that was sent.
            audio_seconds: The duration of the audio that has arrived.
        """
        if not (times.words and self._is_known):
            return
        self._times.append(times)
        self.count += len(times.words)
        self._end_seconds = times.end[-1]
        if self.count > ALIGNED_WORDS:
            spoken = self._spoken_count(audio_seconds)
            if spoken > ALIGNED_WORDS:
                self._is_known = self._forget(transcript, spoken)
            if self.count > KEPT_WORDS or not self._is_known:
                self._times.clear()
                self.count, self._is_known = 0, False

    def unspoken_offset(self, transcript: Transcript, audio_seconds: float) -> int | None:
        """Return where the last word ends that has audio; None if that is not known."""
        is_timed = audio_seconds - self._end_seconds <= UNTIMED_SECONDS
        if not (self._is_known and is_timed and transcript.is_whole):
            return None
        alignment, spoken = self._aligned(transcript), self._spoken_count(audio_seconds)
        alignment.finish(complete=False)
        return self._offset + (alignment.span(spoken - 1)[1] if spoken else 0)

    def _aligned(self, transcript: Transcript) -> Alignment:
        alignment = Alignment()
        for piece in transcript.pieces_behind(self._offset):
            alignment.add_text(piece)
        for times in self._times:
            alignment.add_words(times.words)
        return alignment

    def _spoken_count(self, audio_seconds: float) -> int:
        """Return how many words start before the end of the audio."""
        starts = [start for times in self._times for start in times.start]
        end = audio_seconds - ROUNDING_SECONDS
        return next((index for index, start in enumerate(starts) if start >= end), len(starts))

    def _forget(self, transcript: Transcript, spoken: int) -> bool:
        """Forget the first words, at most *spoken*; return False if they are not in the text."""
        alignment, count = self._aligned(transcript), 0
        most, found = min(spoken, alignment.settled_count), (0, 0, 0)
        for events, times in enumerate(self._times, 1):
            count += len(times.words)
            start, end = alignment.span(count - 1)
            if count <= most and start < end:
                found = (events, count, end)
        events, count, end = found
        for _ in range(events):
            self._times.popleft()
        self.count -= count
        self._offset += end
        return count > 0

"""The recogniser ``own``: finds in incoming audio what the service itself has spoken.

It recognises that speech word for word, in every language and voice, through resampling, G.711,
gain, noise, silence and cuts. Any other audio gives no text. It uses no thread, so it works under
an autojumping clock, and equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import trio

from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.recognition.alignment import BLOCK, Alignment, align
from trio_cartesia.server.recognition.candidates import Candidate, CandidateSearch
from trio_cartesia.server.recognition.fingerprints import FINGERPRINT, Decimator, Wave
from trio_cartesia.server.recognition.interface import RecognitionStatistics, Recognized
from trio_cartesia.server.recognition.matched_words import MatchedText
from trio_cartesia.server.recognition.speech_index import (
    IndexedSpeech,
    SpeechIndex,
)

__all__ = ["OwnSpeech"]

STEP: Final = 4 * BLOCK  # samples at a time, 96 ms, which take about a millisecond
STEP_BYTES: Final = 2 * 2 * STEP  # at 16 kHz
HISTORY: Final = 40 * STEP  # samples that are compared once a candidate is found: about 4 s
MARGINS: Final = (1024, 0)  # samples around a fingerprint to compare; fewer for a short word
NEAR: Final = 2 * BLOCK  # samples between two offsets that are one
MAX_LIVE: Final = 8


@attrs.define(eq=False, repr=False)
class OwnSpeech:
    """The recogniser; it reads the journal that it is given, and indexes speech when it is used."""

    journal: Journal
    _index: SpeechIndex = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._index = SpeechIndex(self.journal)

    @property
    def name(self) -> str:
        """The name of the recogniser."""
        return "own"

    def open_stream(self, *, language: str, keyterms: Sequence[str]) -> OwnSpeechStream:  # noqa: ARG002  # recognised in any language
        """Start a stream."""
        return OwnSpeechStream(self._index)

    def statistics(self) -> RecognitionStatistics:
        """Return what is held of the service's speech."""
        return self._index.statistics()

    async def aclose(self) -> None:
        """Do nothing."""
        await trio.lowlevel.checkpoint()


@attrs.define(eq=False, repr=False)
class OwnSpeechStream:
    """The recognition of one stream.

    It holds 4 s of audio, at most eight alignments that may still grow, and the alignments since
    the last final text.
    """

    _index: SpeechIndex
    _decimator: Decimator = attrs.field(factory=Decimator, init=False)
    _pending: Wave = attrs.field(factory=lambda: np.zeros(0, np.float32), init=False)
    _history: Wave = attrs.field(factory=lambda: np.zeros(0, np.float32), init=False)
    _position: int = attrs.field(default=0, init=False)  # samples, those of the history included
    _search: CandidateSearch = attrs.field(init=False)
    _live: list[Alignment] = attrs.field(factory=list, init=False)
    _matched: MatchedText = attrs.field(factory=MatchedText, init=False)
    _interim: Recognized | None = attrs.field(default=None, init=False)  # unless audio came since

    def __attrs_post_init__(self) -> None:
        self._search = CandidateSearch(self._index)

    async def add(self, samples: bytes) -> None:
        """Index what the service has spoken since, and compare the samples, in small steps."""
        has_more = True
        while has_more:
            has_more = self._index.advance()
            await trio.lowlevel.checkpoint()
        for start in range(0, len(samples), STEP_BYTES):
            wave = self._decimator.add(samples[start : start + STEP_BYTES])
            self._pending = np.concatenate([self._pending, wave])
            if len(self._pending) >= STEP:
                self._compare(STEP)
                await trio.lowlevel.checkpoint()

    def interim(self) -> Recognized:
        """Return the words whose audio has been matched."""
        if self._interim is None:
            self._interim = self._matched.interim()
        return self._interim

    def explains(self, start_seconds: float, end_seconds: float) -> bool:
        """Return whether that part of the stream, since the last final text, is own speech."""
        return self._matched.explains(start_seconds, end_seconds)

    async def finish(self) -> Recognized:
        """Return the words whose audio has been matched; a word that is cut counts if 60 % was."""
        await trio.lowlevel.checkpoint()
        self._compare(len(self._pending) // BLOCK * BLOCK)
        self._interim = None
        return self._matched.finish()

    async def aclose(self) -> None:
        """Drop what the stream holds."""
        self._live, self._matched = [], MatchedText()
        await trio.lowlevel.checkpoint()

    def _compare(self, size: int) -> None:
        """Compare the next *size* samples, whole blocks."""
        if not size:
            return
        self._interim = None
        audio, self._pending = self._pending[:size], self._pending[size:]
        self._history = np.concatenate([self._history, audio])[-HISTORY:]
        self._position += size
        for alignment in self._live:
            alignment.follow(audio)
        for candidate in self._search.find(self._history, self._position, size):
            self._try(candidate)
        self._retire()

    def _try(self, candidate: Candidate) -> None:
        """Start an alignment if the samples confirm the candidate."""
        if self._is_followed(candidate.speech, candidate.offset):
            return
        start = self._position - len(self._history)
        alignment = None
        for margin in MARGINS:
            low = max(start, candidate.place - margin)
            audio = self._history[low - start : candidate.place + FINGERPRINT + margin - start]
            alignment = alignment or align(candidate.speech, candidate.offset, audio, low)
        if alignment is None or self._is_followed(candidate.speech, alignment.offset):
            return
        anchor = (candidate.place + FINGERPRINT // 2) // BLOCK
        alignment.start(self._history, start // BLOCK, anchor)
        if alignment.is_live or alignment.is_confirmed():
            self._live.append(alignment)
            self._matched.keep(alignment)

    def _is_followed(self, speech: IndexedSpeech, offset: int) -> bool:
        return any(
            each.speech is speech and abs(each.offset - offset) < NEAR for each in self._live
        )

    def _retire(self) -> None:
        """Stop following what has ended, and the weakest of too many."""
        self._live.sort(key=lambda each: (each.is_live, each.evidence), reverse=True)
        for weak in self._live[MAX_LIVE:]:
            weak.is_live = False
        ended = [each for each in self._live if not each.is_live]
        self._live = [each for each in self._live if each.is_live]
        for each in ended:
            self._matched.prune(each)

"""Candidates for alignments: speech with several fingerprints of the incoming audio in step."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from trio_cartesia.server.recognition.fingerprints import FINGERPRINT, Wave, fingerprints
from trio_cartesia.server.recognition.speech_index import HOP, IndexedSpeech, SpeechIndex

__all__ = ["Candidate", "CandidateSearch"]

QUERY_HOP: Final = HOP // 2
STEPS: Final = 6  # of about 100 ms, in which fingerprints have to agree
VOTES: Final = 3  # that have to agree
MOST: Final = 4  # candidates of a step
PATIENCE: Final = 4  # steps until the same one is returned again

Integers = npt.NDArray[np.int64]


@attrs.frozen
class Candidate:
    """Speech that may match, and how.

    Attributes:
        offset: The sample of the speech for the first incoming sample, exact to `HOP`.
        place: Where, in incoming samples, a fingerprint of it starts.
    """

    speech: IndexedSpeech
    offset: int
    place: int


@attrs.define(eq=False, repr=False)
class CandidateSearch:
    """The search in one stream."""

    _index: SpeechIndex
    _votes: deque[tuple[Integers, Integers, Integers]] = attrs.field(
        factory=lambda: deque(maxlen=STEPS), init=False
    )

    _recent: deque[set[int]] = attrs.field(factory=lambda: deque(maxlen=PATIENCE), init=False)

    def find(self, history: Wave, position: int, size: int) -> list[Candidate]:
        """Return the candidates after a step.

        Args:
            history: The last samples; a multiple of `QUERY_HOP`.
            position: The number of samples so far.
            size: The number of samples in this step.
        """
        tail = history[-(size + FINGERPRINT - QUERY_HOP) :]
        slots, has_sound = fingerprints(tail, QUERY_HOP)
        rows, numbers, samples = self._index.find(np.where(has_sound, slots, -1))
        places = position - len(tail) + QUERY_HOP * rows
        self._votes.append((numbers, samples - places, places))
        return self._count()

    def _count(self) -> list[Candidate]:
        numbers, offsets, places = map(np.concatenate, zip(*self._votes, strict=True))
        if len(numbers) < VOTES:
            return []
        keys = np.concatenate(  # each offset is in two bins, so that no border divides equal ones
            [
                (numbers << 32) + (offsets + shift) // HOP * 2 + (shift > 0)
                for shift in (0, HOP // 2)
            ]
        )
        bins, first, counts = np.unique(keys[::-1], return_index=True, return_counts=True)
        ranking = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts >= VOTES)]
        found: list[Candidate] = []
        recent: set[int] = set().union(*self._recent)
        self._recent.append(set())
        for best in ranking[: MOST * (PATIENCE + 1)]:
            key, newest = int(bins[best]), (len(keys) - 1 - first[best]) % len(numbers)
            speech = self._index.speech(int(numbers[newest]))
            if speech is None or key in recent:
                continue
            self._recent[-1].add(key)
            found.append(Candidate(speech, int(offsets[newest]), int(places[newest])))
            if len(found) == MOST:
                break
        return found

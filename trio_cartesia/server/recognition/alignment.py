"""Alignment of incoming audio with speech of the service, block by block.

A block is 24 ms of incoming audio. It matches if little is left of it once the speech, at the
alignment's gain, is subtracted. Blocks in which both are silent match, but are no evidence.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from trio_cartesia.server.recognition.fingerprints import Wave
from trio_cartesia.server.recognition.speech_index import HOP, IndexedSpeech

__all__ = ["BLOCK", "EVIDENCE", "Alignment", "align"]

Flags = npt.NDArray[np.bool_]

BLOCK: Final = 192  # samples
NOISE: Final = 0.1  # of the power of the speech: what may be left of a block
UNLIKE: Final = 0.5  # of the power of a loud block: what may be left of it
SIMILAR: Final = 0.6  # the correlation from which a candidate is followed
MISSES: Final = 8  # blocks in a row, about 200 ms, that end an alignment
EVIDENCE: Final = 8  # loud blocks, 190 ms, that confirm it
CONFLICT: Final = 4  # loud blocks that make up for one in which both sides are loud, and differ
LEAST_POWER: Final = 1.0  # of a sample, squared: less is silence
FOLLOW: Final = 0.1  # of the gain and the level, for each loud block


@attrs.define(eq=False, repr=False)
class Alignment:
    """A stretch of incoming audio that matches a stretch of the service's speech.

    Attributes:
        speech: What the audio is compared with.
        offset: The sample of the speech that the first incoming sample would match.
        first: The first block that was compared.
        hits: For each block since then, 1 if it matches.
        evidence: The number of loud blocks that match.
        conflicts: The number of blocks, those at both ends included, that are loud on both sides
            and differ. A word that sounds like another one has them before and after it.
        is_live: Whether it may still grow.
    """

    speech: IndexedSpeech
    offset: int
    gain: float
    level: float  # the power of the speech in the incoming audio, per sample
    first: int = 0
    hits: bytearray = attrs.field(factory=bytearray, init=False)
    evidence: int = attrs.field(default=0, init=False)
    conflicts: int = attrs.field(default=0, init=False)
    is_live: bool = attrs.field(default=True, init=False)

    @property
    def end(self) -> int:
        """The block after the last one that was compared."""
        return self.first + len(self.hits)

    def is_confirmed(self, least: int = EVIDENCE) -> bool:
        """Return whether enough matches, at least *least* loud blocks, to be no coincidence."""
        return self.evidence >= least + CONFLICT * self.conflicts

    def start(self, history: Wave, first: int, anchor: int) -> None:
        """Compare *history*, whole blocks from block *first* on, both ways from block *anchor*."""
        before = max(0, -self.offset // BLOCK - first)  # blocks before the speech starts
        history, first = history[before * BLOCK :], first + before
        matches, loud, conflicts = self._compare(history, first)
        begin = anchor - first - _extent(matches[: anchor - first][::-1])
        end = anchor - first + _extent(matches[anchor - first :])
        self.is_live = end > len(matches) - MISSES
        self.first = first + begin
        self.hits = bytearray(matches[begin : len(matches) if self.is_live else end].tobytes())
        self.evidence = int(np.count_nonzero(loud[begin:end]))
        self.conflicts = int(np.count_nonzero(conflicts[max(0, begin - MISSES) : end + MISSES]))
        self.is_live = self.is_live and self.evidence >= self.conflicts

    def follow(self, blocks: Wave) -> None:
        """Compare the next whole blocks."""
        if self.end * BLOCK + self.offset >= self.speech.size:
            self.is_live = False
            return
        self._follow_drift(blocks)
        matches, loud, conflicts = self._compare(blocks, self.end)
        self.hits += matches.tobytes()
        self.evidence += int(np.count_nonzero(loud))
        self.conflicts += int(np.count_nonzero(conflicts))
        self.is_live = any(self.hits[-MISSES:]) and self.evidence >= self.conflicts

    def covers(self, start: float, end: float) -> float:
        """Return the part of the samples from *start* to *end* of the speech that matched."""
        low = round((start - self.offset) / BLOCK) - self.first
        high = max(low + 1, round((end - self.offset) / BLOCK) - self.first)
        return sum(self.hits[max(0, low) : max(0, high)]) / (high - low)

    def _compare(self, blocks: Wave, first: int) -> tuple[Flags, Flags, Flags]:
        """Return which blocks match, which of them are loud, and which conflict."""
        wave = self.speech.wave(first * BLOCK + self.offset, len(blocks)) * np.float32(self.gain)
        left, power, incoming = (
            np.square(values).reshape(-1, BLOCK).mean(axis=1)
            for values in (blocks - wave, wave, blocks)
        )
        least = NOISE * self.level + LEAST_POWER
        matches = left <= np.maximum(least, UNLIKE * power)
        is_loud = power > least
        return matches, matches & is_loud, ~matches & is_loud & (incoming > least)

    def _follow_drift(self, blocks: Wave) -> None:
        """Follow slow changes of the clock and of the gain."""
        wave = self.speech.wave(self.end * BLOCK + self.offset - 1, len(blocks) + 2)
        products = np.correlate(wave, blocks, "valid")
        power = float(np.square(wave[1:-1]).sum())
        if power < NOISE * self.level * len(blocks) + LEAST_POWER:
            return
        step = int(products.argmax()) - 1
        gain = float(products.max()) / power
        if gain < self.gain / 2:
            return  # something else
        self.offset += step
        self.gain += FOLLOW * (gain - self.gain)
        self.level += FOLLOW * (gain * gain * power / len(blocks) - self.level)


def _extent(matches: Flags) -> int:
    """Return the number of blocks up to the last match that no longer gap separates."""
    places = np.concatenate([[-1], np.flatnonzero(matches)])
    gaps = np.flatnonzero(np.diff(places) > MISSES)
    last: int = places[gaps[0]] if len(gaps) else places[-1]
    return int(last) + 1


def align(speech: IndexedSpeech, offset: int, audio: Wave, start: int) -> Alignment | None:
    """Find the exact offset near *offset* at which *audio* matches the speech.

    Args:
        speech: The speech that has a fingerprint of the audio.
        offset: The offset that the fingerprint suggests, exact to `HOP` samples.
        audio: The samples around the fingerprint; the more, the surer is the offset.
        start: The place of the first of them in the incoming audio.
    """
    wave = speech.wave(start + offset - HOP, len(audio) + 2 * HOP)
    products = np.correlate(wave, audio, "valid")
    sums = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    powers = np.maximum(sums[len(audio) :] - sums[: -len(audio)], LEAST_POWER)
    similar = products / np.sqrt(powers)
    best = int(similar.argmax())
    power = float(np.square(audio).sum())
    if similar[best] < SIMILAR * np.sqrt(power) or power < LEAST_POWER * len(audio):
        return None
    gain = float(products[best] / powers[best])
    level = gain * gain * float(powers[best]) / len(audio)
    return Alignment(speech, offset - HOP + best, gain, level)

"""Fingerprints of audio, which survive resampling, G.711, gain and noise.

The fingerprint of a moment is the strongest frequency in a low and in a middle band, at four
instants within 160 ms. It finds candidates only; `alignment` compares the samples
themselves, at 8 kHz.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["FINGERPRINT", "RATE", "Decimator", "PostingTable", "Wave", "fingerprints"]

Wave = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

RATE: Final = 8000  # samples per second of all waves here: a telephone carries no more
FRAME: Final = 1024  # samples of a spectrum
GAP: Final = 256  # samples between the instants
INSTANTS: Final = 4
FINGERPRINT: Final = FRAME + GAP * (INSTANTS - 1)  # samples that a fingerprint depends on

LOW: Final = slice(12, 128)  # bins of 7.8 Hz: 94 to 1000 Hz
MIDDLE: Final = slice(128, 436)  # to 3400 Hz
COARSE: Final = 16  # bins of the middle band that count as one
AUDIBLE: Final = 0.02  # of the power of the low band's peak; weaker peaks are noise

SLOT_BITS: Final = 17
WAYS: Final = 8  # the last moments with the same fingerprint that are kept
MIX: Final = np.uint64(0x9E3779B97F4A7C15)

_WINDOW: Final = np.hanning(FRAME).astype(np.float32)


def _lowpass(taps: int = 63, cutoff: float = 3400 / 16_000) -> Wave:
    place = np.arange(taps) - (taps - 1) / 2
    kernel = 2 * cutoff * np.sinc(2 * cutoff * place) * np.hamming(taps)
    normalized: Wave = (kernel / kernel.sum()).astype(np.float32)
    return normalized


_LOWPASS: Final = _lowpass()


@attrs.define(eq=False)
class Decimator:
    """Converts a stream from 16 kHz ``pcm_s16le`` to a wave at `RATE`."""

    _rest: Wave = attrs.field(
        factory=lambda: np.zeros(len(_LOWPASS) - 1, np.float32), init=False, repr=False
    )

    def add(self, samples: bytes) -> Wave:
        """Return the wave of the next samples; it lags by 2 ms."""
        wave = np.concatenate([self._rest, np.frombuffer(samples, "<i2").astype(np.float32)])
        count = max(0, (len(wave) - len(_LOWPASS)) // 2 + 1)
        self._rest = wave[2 * count :]
        if not count:
            return wave[:0]
        filtered: Wave = np.convolve(wave, _LOWPASS, "valid")[: 2 * count : 2]
        return filtered


def fingerprints(wave: Wave, hop: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Return the slots of the fingerprints that start every *hop* samples, and which have sound.

    *hop* must divide `GAP`. A wave shorter than `FINGERPRINT` has none.
    """
    count = max(0, (len(wave) - FINGERPRINT) // hop + 1)
    if not count or not wave.any():  # silence is frequent
        return np.zeros(count, np.int64), np.zeros(count, np.bool_)
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[::hop]
    spectra = np.fft.rfft(frames * _WINDOW, axis=1)
    power = np.square(spectra.real) + np.square(spectra.imag)
    low, middle = power[:, LOW], power[:, MIDDLE]
    low_peak, middle_peak = low.max(axis=1), middle.max(axis=1)
    codes = low.argmax(axis=1) // 2 * 32
    codes += np.where(middle_peak < AUDIBLE * low_peak, 0, middle.argmax(axis=1) // COARSE + 1)
    step = GAP // hop
    key = np.zeros(count, np.uint64)
    for instant in range(INSTANTS):
        start = instant * step
        key = key << np.uint64(11) | codes[start : start + count].astype(np.uint64)
    slots = (key * MIX) >> np.uint64(64 - SLOT_BITS)
    return slots.astype(np.int64), low_peak[:count] > 1.0


@attrs.define(eq=False)
class PostingTable:
    """Where each fingerprint was last seen, in 8 MiB; new places replace the oldest of a slot."""

    _places: Integers = attrs.field(
        factory=lambda: np.full((1 << SLOT_BITS, WAYS), -1, np.int64), init=False, repr=False
    )
    _turns: npt.NDArray[np.uint8] = attrs.field(
        factory=lambda: np.zeros(1 << SLOT_BITS, np.uint8), init=False, repr=False
    )

    @property
    def size_bytes(self) -> int:
        """The memory of the table."""
        return self._places.nbytes + self._turns.nbytes

    def insert(self, slots: Integers, places: Integers) -> None:
        """Remember a place, a number from 0, for each slot; of equal slots the last counts."""
        self._places[slots, self._turns[slots] % WAYS] = places
        self._turns[slots] += 1

    def find(self, slots: Integers) -> Integers:
        """Return the places of each slot, a row of `WAYS`, with -1 where there is none."""
        found: Integers = self._places[slots]
        return found

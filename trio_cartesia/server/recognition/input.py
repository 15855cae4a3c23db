"""The input of speech to text: any encoding and rate of protocol §6.2, to 16 kHz ``pcm_s16le``."""

from __future__ import annotations

import array
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import attrs

from trio_cartesia.server.audio.encodings import INPUT_BYTES_PER_SAMPLE, decode_samples, to_wire
from trio_cartesia.server.recognition.interface import SAMPLE_RATE

__all__ = ["InputConverter"]

STEPS_PER_SECOND: Final = 20  # a step of 50 ms takes less than a millisecond
FILTERED_RATES: Final = range(1000, 1_000_001)  # outside, the filter would take long to build
MAX_STEP: Final = 4096  # samples, at any rate


@attrs.define(eq=False, kw_only=True)
class InputConverter:
    """Converts one stream of audio; its pieces may end in the middle of a sample.

    Where soxr is installed, frequencies that 16 kHz cannot hold are removed, and the output lags by
    up to 0.12 s until `flush`. Otherwise, and at rates below 1 kHz or above 1 MHz, samples are
    interpolated linearly.

    Attributes:
        encoding: One of protocol §6.2.
        sample_rate: Frames per second, 1 or more.
    """

    encoding: str = attrs.field(validator=attrs.validators.in_(INPUT_BYTES_PER_SAMPLE))
    sample_rate: int = attrs.field(validator=attrs.validators.ge(1))
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)  # the start of a sample
    _resampler: _Linear | _Soxr | None = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._resampler = _open_resampler(self.sample_rate)

    def convert(self, audio: bytes) -> Iterator[bytes]:
        """Return an iterator over the converted samples.

        Each step blocks for less than a millisecond; *audio* counts once all of them are taken.
        """
        width = INPUT_BYTES_PER_SAMPLE[self.encoding]
        data = self._rest + audio
        whole = len(data) - len(data) % width
        self._rest = data[whole:]
        step = width * max(1, min(MAX_STEP, self.sample_rate // STEPS_PER_SECOND))
        view = memoryview(data)
        for start in range(0, whole, step):
            samples = decode_samples(view[start : min(whole, start + step)], self.encoding)
            yield self._resampled(samples)

    def flush(self) -> bytes:
        """Return the samples that the resampler still holds; what follows starts anew."""
        if self._resampler is None:
            return b""
        rest = self._resampler.flush()
        self._resampler = _open_resampler(self.sample_rate)
        return rest

    def _resampled(self, samples: array.array[int]) -> bytes:
        return to_wire(samples) if self._resampler is None else self._resampler.add(samples)


def _open_resampler(sample_rate: int) -> _Linear | _Soxr | None:
    if sample_rate == SAMPLE_RATE:
        return None
    try:
        import numpy as np  # here, since both are extras
        import soxr
    except ImportError:
        return _Linear(sample_rate)
    if sample_rate not in FILTERED_RATES:
        return _Linear(sample_rate)
    return _Soxr(np, soxr.ResampleStream(sample_rate, SAMPLE_RATE, 1, "float32", "MQ"))


@attrs.define(eq=False)
class _Soxr:
    """A resampler with a filter; its floats avoid the noise that soxr adds to integers."""

    _numpy: ModuleType
    _stream: Any

    def add(self, samples: array.array[int]) -> bytes:
        wave = self._numpy.asarray(samples, dtype=self._numpy.float32)
        return self._to_bytes(self._stream.resample_chunk(wave))

    def flush(self) -> bytes:
        empty = self._numpy.zeros(0, dtype=self._numpy.float32)
        return self._to_bytes(self._stream.resample_chunk(empty, last=True))

    def _to_bytes(self, wave: Any) -> bytes:
        return bytes(self._numpy.rint(wave).clip(-32768, 32767).astype("<i2").tobytes())


@attrs.define(eq=False)
class _Linear:
    """A resampler without a filter."""

    _sample_rate: int
    _last: int = 0  # the sample before those of the next call
    _elapsed: int = 0  # its place after the last output, in 1/(16,000 * rate) seconds

    def add(self, samples: array.array[int]) -> bytes:
        output: array.array[int] = array.array("h")
        for sample in samples:
            rise, place = sample - self._last, self._elapsed
            while place < SAMPLE_RATE:
                output.append(self._last + rise * place // SAMPLE_RATE)
                place += self._sample_rate
            self._elapsed, self._last = place - SAMPLE_RATE, sample
        return to_wire(output)

    def flush(self) -> bytes:
        return b""

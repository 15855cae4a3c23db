"""Samples in the encodings of the wire (protocol §6.1, §6.2), in plain Python.

G.711 encodes 14 or 13 bits of a sample as a sign, three bits for one of eight segments, and four
bits for the position within the segment. Each segment is twice as wide as the one before.
"""

from __future__ import annotations

import array
import functools
import math
import struct
import sys
from typing import Final, TypeVar

__all__ = ["INPUT_BYTES_PER_SAMPLE", "decode_samples", "encode", "to_wire"]

INPUT_BYTES_PER_SAMPLE: Final = {  # of the encodings that speech to text takes (protocol §6.2)
    "pcm_s16le": 2,
    "pcm_s32le": 4,
    "pcm_f16le": 2,
    "pcm_f32le": 4,
    "pcm_mulaw": 1,
    "pcm_alaw": 1,
}

_ULAW_BIAS: Final = 33  # makes the segments of mu-law end at powers of two
_ULAW_LARGEST: Final = 8191 - _ULAW_BIAS

_Number = TypeVar("_Number", int, float)


def encode(samples: bytes | memoryview, encoding: str) -> bytes:
    """Encode *samples*.

    It blocks, so pass slices of some ten milliseconds of audio.

    Args:
        samples: Mono ``pcm_s16le``.
        encoding: ``pcm_s16le``, ``pcm_f32le``, ``pcm_mulaw`` or ``pcm_alaw``.

    Raises:
        ValueError: There is no such encoding, or *samples* end in the middle of a sample.
    """
    if encoding == "pcm_s16le":
        return bytes(samples)
    if encoding == "pcm_f32le":
        floats = array.array("f", [value / 32768 for value in _values("h", samples)])
        return _swapped(floats).tobytes()
    if encoding == "pcm_mulaw":
        return bytes(map(_ulaw_table().__getitem__, _values("H", samples)))
    if encoding == "pcm_alaw":
        return bytes(map(_alaw_table().__getitem__, _values("H", samples)))
    raise ValueError(f"no encoding is called {encoding!r}")


def decode_samples(data: bytes | memoryview, encoding: str) -> array.array[int]:
    """Decode *data* into 16-bit samples of this machine; floats beyond 1 are clipped, NaN is 0.

    It blocks, so pass slices of some ten milliseconds of audio.

    Args:
        data: Whole samples.
        encoding: One of `INPUT_BYTES_PER_SAMPLE`.

    Raises:
        ValueError: There is no such encoding, or *data* end in the middle of a sample.
    """
    if encoding == "pcm_s16le":
        return _values("h", data)
    if encoding == "pcm_s32le":
        return array.array("h", [value >> 16 for value in _values("i", data)])
    if encoding == "pcm_mulaw":
        return array.array("h", map(_ulaw_values().__getitem__, data))
    if encoding == "pcm_alaw":
        return array.array("h", map(_alaw_values().__getitem__, data))
    if encoding not in ("pcm_f16le", "pcm_f32le"):
        raise ValueError(f"no encoding is called {encoding!r}")
    width = INPUT_BYTES_PER_SAMPLE[encoding]
    if len(data) % width:
        raise ValueError(f"{len(data)} bytes are not whole samples of {encoding}")
    floats = struct.unpack(f"<{len(data) // width}{'e' if width == 2 else 'f'}", data)
    return array.array("h", map(_clipped, floats))


def _clipped(value: float) -> int:
    return 0 if math.isnan(value) else round(min(32767.0, max(-32768.0, value * 32768)))


def to_wire(samples: array.array[int]) -> bytes:
    """Return 16-bit samples of this machine as ``pcm_s16le``; *samples* may be changed."""
    return _swapped(samples).tobytes()


def _values(typecode: str, samples: bytes | memoryview) -> array.array[int]:
    values: array.array[int] = array.array(typecode)
    values.frombytes(samples)
    return _swapped(values)


def _swapped(values: array.array[_Number]) -> array.array[_Number]:
    """Convert between the byte order of the wire and that of this machine."""
    if sys.byteorder == "big":
        values.byteswap()
    return values


@functools.cache
def _ulaw_table() -> bytes:
    """Return the mu-law byte for each sample, indexed by the sample as an unsigned number."""
    return bytes(map(_ulaw, [*range(32768), *range(-32768, 0)]))


@functools.cache
def _alaw_table() -> bytes:
    """Return the A-law byte for each sample, indexed by the sample as an unsigned number."""
    return bytes(map(_alaw, [*range(32768), *range(-32768, 0)]))


def _ulaw(sample: int) -> int:
    value = sample >> 2
    biased = min(abs(value), _ULAW_LARGEST) + _ULAW_BIAS
    segment = biased.bit_length() - 6
    step = biased >> (segment + 1) & 0x0F
    return ~(segment << 4 | step) & (0x7F if value < 0 else 0xFF)


def _alaw(sample: int) -> int:
    value = sample >> 3
    size = ~value if value < 0 else value
    segment = max(0, size.bit_length() - 5)
    step = size >> max(1, segment) & 0x0F
    return (segment << 4 | step) ^ (0x55 if value < 0 else 0xD5)


@functools.cache
def _ulaw_values() -> tuple[int, ...]:
    """Return the sample for each mu-law byte."""
    return tuple(map(_ulaw_value, range(256)))


@functools.cache
def _alaw_values() -> tuple[int, ...]:
    """Return the sample for each A-law byte."""
    return tuple(map(_alaw_value, range(256)))


def _ulaw_value(byte: int) -> int:
    segment, step = ~byte >> 4 & 7, ~byte & 0x0F
    size = ((2 * step + 33 << segment) - _ULAW_BIAS) << 2
    return size if byte & 0x80 else -size


def _alaw_value(byte: int) -> int:
    byte ^= 0x55
    segment, step = byte >> 4 & 7, byte & 0x0F
    size = (2 * step + 1 if segment == 0 else 2 * step + 33 << segment - 1) << 3
    return size if byte & 0x80 else -size

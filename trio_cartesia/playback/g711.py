"""Telephone audio as linear samples (ITU-T G.711), for devices that play nothing else.

A byte is a sign, three bits for a segment and four for a place in it, all or every other bit
inverted. Each segment is twice as wide as the one before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

__all__ = ["decode_alaw", "decode_mulaw"]


def decode_mulaw(audio: bytes) -> bytes:
    """Return mu-law as ``pcm_s16le``."""
    return _looked_up(audio, _mulaw_sample)


def decode_alaw(audio: bytes) -> bytes:
    """Return A-law as ``pcm_s16le``."""
    return _looked_up(audio, _alaw_sample)


def _looked_up(audio: bytes, sample: Callable[[int], int]) -> bytes:
    low, high = _tables(sample)
    samples = bytearray(2 * len(audio))
    samples[::2], samples[1::2] = audio.translate(low), audio.translate(high)
    return bytes(samples)


@functools.cache
def _tables(sample: Callable[[int], int]) -> tuple[bytes, bytes]:
    """Return the low and the high byte of each byte's sample."""
    samples = b"".join(sample(code).to_bytes(2, "little", signed=True) for code in range(256))
    return samples[::2], samples[1::2]


def _mulaw_sample(code: int) -> int:
    code ^= 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -size if code & 0x80 else size


def _alaw_sample(code: int) -> int:
    code ^= 0x55
    segment = code >> 4 & 7
    size = ((code & 0x0F) << 4) + 8
    if segment:
        size = size + 0x100 << segment - 1
    return size if code & 0x80 else -size

"""Estimate how high a voice is: the fundamental frequency of its speech.

The estimate is the median over short frames, each of which is compared with itself at every delay
that a voice may have. It is a light one: good enough to tell a high voice from a low one, and not
meant for noisy recordings, music or several speakers.
"""

from __future__ import annotations

import statistics
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from operator import mul
from typing import Final

import trio

from trio_cartesia.server.audio.clips import decode
from trio_cartesia.server.messages.errors import APIError

__all__ = ["fundamental_hertz", "pitch_of_clip"]

SAMPLE_RATE: Final = 8000  # of the decoded clip; every second sample is enough
MOST_FRAMES: Final = 100  # one each 0.1 s: 10 s, which is all that a clip needs
LOWEST_HERTZ: Final = 60
HIGHEST_HERTZ: Final = 400
FEWEST: Final = 5  # frames with a voice
QUIET: Final = 200  # of the sums of two samples
SIMILAR: Final = 0.6  # to itself, one period later: a frame with a voice
NEARLY: Final = 0.9  # of the best delay: a shorter one that is as good is the period

_RATE: Final = SAMPLE_RATE // 2
_HOP: Final = _RATE // 10  # samples from one frame to the next
_COMPARED: Final = _RATE // 25  # samples of a frame
_DELAYS: Final = range(_RATE // HIGHEST_HERTZ, _RATE // LOWEST_HERTZ + 1)


async def pitch_of_clip(clip: bytes) -> float | None:
    """Return the fundamental frequency of a clip's first 10 seconds, in hertz.

    Other tasks run after each frame, which takes a millisecond or two.

    Returns:
        None if the clip cannot be decoded, or has no voice.
    """
    try:
        pieces = decode(clip, SAMPLE_RATE)
        return await fundamental_hertz(pieces)
    except APIError:  # clones are made of any bytes
        return None


async def fundamental_hertz(pieces: Iterable[array[int]]) -> float | None:
    """Return the fundamental frequency of speech of 16 bits at 8 kHz; None if there is none."""
    await trio.lowlevel.checkpoint()
    found = []
    for frame in islice(_frames(pieces), MOST_FRAMES):
        if (hertz := _hertz(frame)) is not None:
            found.append(hertz)
        await trio.lowlevel.checkpoint()
    return statistics.median(found) if len(found) >= FEWEST else None


def _frames(pieces: Iterable[array[int]]) -> Iterator[list[int]]:
    """Yield the samples that are compared and the longest delay, without their mean."""
    waiting = array("h")
    span = 2 * (_COMPARED + _DELAYS[-1])
    for piece in pieces:
        waiting.extend(piece)
        while len(waiting) >= 2 * _HOP:
            frame = [a + b for a, b in zip(waiting[:span:2], waiting[1:span:2], strict=True)]
            mean = sum(frame) // len(frame)
            yield [sample - mean for sample in frame]
            del waiting[: 2 * _HOP]


def _hertz(frame: list[int]) -> float | None:
    start, energies = frame[:_COMPARED], [0, *accumulate(map(mul, frame, frame))]
    if energies[_COMPARED] < _COMPARED * QUIET**2:
        return None
    scores = {}
    for delay in _DELAYS:
        product = sum(map(mul, start, frame[delay : delay + _COMPARED]))
        energy = energies[_COMPARED] * (energies[delay + _COMPARED] - energies[delay])
        scores[delay] = product / energy**0.5 if energy else 0.0
    best = max(scores.values())
    if best < SIMILAR:
        return None
    period = next(
        delay
        for delay, score in scores.items()
        if score >= NEARLY * best and score >= scores.get(delay + 1, 0.0)
    )
    return _RATE / period

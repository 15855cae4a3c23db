"""Shift the pitch of speech and keep its length, in plain Python.

The speech is cut into overlapping grains, a new one each 20 ms. Each is read faster or slower, and
fades into the next. One second of audio at 44.1 kHz takes about 30 ms of processor time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final

import attrs

from trio_cartesia.server.audio.encodings import to_wire

__all__ = ["shift"]

GRAINS_PER_SECOND: Final = 50


def shift(pieces: Iterable[array[int]], *, factor: float, sample_rate: int) -> Iterator[bytes]:
    """Yield the audio of *pieces* at another pitch, as ``pcm_s16le``, 20 ms at a time.

    The output has as many frames as the input, and with a factor of 1 it is the input.

    Args:
        pieces: 16-bit samples, in the byte order of this machine.
        factor: What frequencies are multiplied with, 0.5 to 2.
        sample_rate: Frames per second.
    """
    grain = _Grain(sample_rate // GRAINS_PER_SECOND, factor)
    waiting = array("h", bytes(2 * grain.hop))  # before the first grain is silence
    frames = 0
    for piece in pieces:
        frames += len(piece)
        waiting.extend(piece)
        while len(waiting) >= grain.span:
            yield grain.read(waiting)
            del waiting[: grain.hop]
            frames -= grain.hop
    waiting.extend(array("h", bytes(2 * grain.span)))
    while frames > 0:
        yield grain.read(waiting)[: 2 * frames]
        del waiting[: grain.hop]
        frames -= grain.hop


@attrs.define(eq=False)
class _Grain:
    """Where the frames of one hop come from: the end of one grain, and the start of the next.

    Each is interpolated between two frames, so an output frame is a weighted sum of four. Indices
    count from the start of the first grain, and both they and the weights are those of every hop.

    Attributes:
        hop: Frames from one grain to the next.
        span: Frames from the first to the last that a hop reads.
    """

    hop: int
    _factor: float
    span: int = attrs.field(init=False)
    _take: tuple[Callable[[array[int]], tuple[int, ...]], ...] = attrs.field(init=False)
    _weights: list[tuple[float, float, float, float]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        old = [(self.hop + frame) * self._factor for frame in range(self.hop)]
        new = [self.hop + frame * self._factor for frame in range(self.hop)]
        self.span = int(max(old[-1], new[-1])) + 2
        indices = [list(map(int, old)), list(map(int, new))]
        self._take = tuple(
            itemgetter(*(index + step for index in each)) for each in indices for step in (0, 1)
        )
        self._weights = []
        for frame, (left, right) in enumerate(zip(old, new, strict=True)):
            fade, a, b = frame / self.hop, left % 1, right % 1
            self._weights.append(((1 - fade) * (1 - a), (1 - fade) * a, fade * (1 - b), fade * b))

    def read(self, samples: array[int]) -> bytes:
        """Return the frames of one hop; *samples* start with its first grain."""
        taken = zip(self._weights, *(take(samples) for take in self._take), strict=True)
        frames = (round(p * a + q * b + r * c + s * d) for (p, q, r, s), a, b, c, d in taken)
        return to_wire(array("h", frames))

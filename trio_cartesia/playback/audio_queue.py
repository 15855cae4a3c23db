"""Audio on its way from Trio's thread to the thread of the sound device."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator
from time import perf_counter
from typing import Final

import attrs

__all__ = ["AudioQueue"]

BEGIN_SECONDS: Final = 0.06  # of audio that have to be there before the first is taken
MEASURED_SECONDS: Final = 1.0  # in which the device's own buffer is measured; clocks drift


@attrs.define(eq=False)
class AudioQueue:
    """A queue with one thread that puts and one that takes, of which none ever waits.

    Each attribute is written by one of the two threads alone, at once, so there is no lock.

    A device takes audio before it plays it. How much it holds shows at the start, when it fills its
    buffer: it has been given more than it can have played.

    Attributes:
        is_paused: Set while the device plays silence and takes nothing.
        has_all: Set once nothing more will be put.
        put_samples: What was put.
        underruns: How often it found too little.
        asked_at: When it last asked.
    """

    _sample_rate: int
    _bytes_per_sample: int
    is_paused: bool = False
    has_all: bool = attrs.field(default=False, init=False)
    put_samples: int = attrs.field(default=0, init=False)
    underruns: int = attrs.field(default=0, init=False)
    asked_at: float = attrs.field(factory=perf_counter, init=False)
    _blocks: deque[bytes] = attrs.field(factory=deque, init=False, repr=False)
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _has_begun: bool = attrs.field(default=False, init=False)
    _is_dry: bool = attrs.field(default=True, init=False)
    _taken: tuple[int, float] = attrs.field(default=(0, -math.inf), init=False)  # and when
    _began_at: float = attrs.field(default=math.inf, init=False)
    _asked_samples: int = attrs.field(default=0, init=False)
    _device_samples: float = attrs.field(default=0.0, init=False)  # the most that the device held
    _stopped_samples: float | None = attrs.field(default=None, init=False)

    # -- for Trio's thread

    @property
    def waiting_seconds(self) -> float:
        """How much waits for the device."""
        return (self.put_samples - self._taken[0]) / self._sample_rate

    @property
    def played_seconds(self) -> float:
        """How much was played, by what the device took, what it holds, and the time since."""
        return self._played_samples / self._sample_rate

    @property
    def is_played(self) -> bool:
        """True if all that was put was played."""
        return self._played_samples >= self.put_samples

    def put(self, audio: bytes) -> None:
        """Append *audio*, whole samples."""
        self._blocks.append(audio)
        self.put_samples += len(audio) // self._bytes_per_sample

    def stop(self) -> None:
        """Let the device take nothing more; what was played stays as it is now."""
        self._stopped_samples = self._played_samples

    @property
    def _played_samples(self) -> float:
        if self._stopped_samples is not None:
            return self._stopped_samples
        taken, taken_at = self._taken
        held = self._device_samples - (perf_counter() - taken_at) * self._sample_rate
        return max(0.0, taken - max(0.0, held))

    # -- for the device's thread

    def blocks(self) -> Generator[bytes, int, None]:
        """Yield blocks of audio, each of as many samples as are sent in."""
        samples = yield b""
        while True:
            self._note_request(samples)
            samples = yield self._take(samples * self._bytes_per_sample)

    def _note_request(self, samples: int) -> None:
        self.asked_at = now = perf_counter()
        self._began_at = min(self._began_at, now)
        self._asked_samples += samples
        if now - self._began_at < MEASURED_SECONDS:
            held = self._asked_samples - (now - self._began_at) * self._sample_rate
            self._device_samples = max(self._device_samples, held)

    def _take(self, size: int) -> bytes:
        is_ready = self._has_begun or self.has_all or self.waiting_seconds >= BEGIN_SECONDS
        if self.is_paused or not is_ready or self._stopped_samples is not None:
            return bytes(size)
        self._has_begun = True
        parts, length = [self._rest], len(self._rest)
        while length < size and self._blocks:
            block = self._blocks.popleft()
            parts.append(block)
            length += len(block)
        audio = b"".join(parts)
        self._rest, audio = audio[size:], audio[:size]
        if audio:
            taken = self._taken[0] + len(audio) // self._bytes_per_sample
            self._taken = (taken, self.asked_at)
        self._note_underrun(is_short=len(audio) < size, is_empty=not audio)
        return audio.ljust(size, b"\0")

    def _note_underrun(self, *, is_short: bool, is_empty: bool) -> None:
        """Count a gap once, when it begins."""
        if is_short and not self.has_all and not (is_empty and self._is_dry):
            self.underruns += 1
        self._is_dry = is_short

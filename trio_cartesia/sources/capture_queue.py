"""Audio on its way from the thread of a microphone to Trio's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator

import attrs

__all__ = ["CaptureQueue"]


@attrs.define(eq=False)
class CaptureQueue:
    """A bounded queue with one thread that puts and one that takes, of which none ever waits.

    Each attribute is written by one of the two threads alone, at once, so there is no lock. A block
    that does not fit is dropped, and counted.

    Attributes:
        budget_bytes: The most audio that waits.
        put_bytes: The audio that was put.
        dropped_bytes: The audio that did not fit.
        is_closed: Set once nothing more is to be put.
    """

    budget_bytes: int
    _wake: Callable[[], None]  # called in the device's thread
    put_bytes: int = attrs.field(default=0, init=False)
    dropped_bytes: int = attrs.field(default=0, init=False)
    is_closed: bool = attrs.field(default=False, init=False)
    _taken_bytes: int = attrs.field(default=0, init=False)
    _blocks: deque[bytes] = attrs.field(factory=deque, init=False, repr=False)

    # -- for Trio's thread

    @property
    def waiting_bytes(self) -> int:
        """The audio that waits to be taken."""
        return self.put_bytes - self._taken_bytes

    def take(self) -> bytes:
        """Return all audio that waits, perhaps none."""
        blocks = [self._blocks.popleft() for _ in range(len(self._blocks))]
        audio = b"".join(blocks)
        self._taken_bytes += len(audio)
        return audio

    # -- for the device's thread

    def blocks(self) -> Generator[None, bytes, None]:
        """Put each block that is sent in."""
        while True:
            block = yield
            if self.is_closed:
                continue
            if self.waiting_bytes + len(block) > self.budget_bytes:
                self.dropped_bytes += len(block)
                continue
            self.put_bytes += len(block)
            self._blocks.append(bytes(block))
            self._wake()

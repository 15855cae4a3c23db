"""The audio of a session whose text is not final, which the next connection may need again."""

from __future__ import annotations

import attrs

from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.messages import Gap

__all__ = ["AudioLog"]


@attrs.define(eq=False)
class AudioLog:
    """A bounded ring of audio. Positions are bytes from the start of the user's audio.

    ``covered <= start <= sent <= end`` holds once a connection has begun. Of a connection that goes
    on, more may be covered than is kept; what is neither covered nor kept when the next one begins
    is a gap.

    Attributes:
        limit_bytes: The most that is kept.
        covered: Audio before it has final text, or is in a gap.
        start: Where the audio that is kept starts.
        sent: The present connection has been sent the audio before it.
        base: Where the audio of the present connection starts.
        gap_bytes: The size of all gaps.
    """

    limit_bytes: int
    _format: InputFormat
    covered: int = attrs.field(default=0, init=False)
    start: int = attrs.field(default=0, init=False)
    sent: int = attrs.field(default=0, init=False)
    base: int = attrs.field(default=0, init=False)
    gap_bytes: int = attrs.field(default=0, init=False)
    _audio: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    @property
    def end(self) -> int:
        """The size of the user's audio so far."""
        return self.start + len(self._audio)

    @property
    def kept_bytes(self) -> int:
        """The size of the audio that is kept."""
        return len(self._audio)

    def size(self, seconds: float) -> int:
        """Return the size of so many *seconds* of audio, in whole samples, at most that of all."""
        seconds = max(0.0, min(seconds, self.seconds(self.end)))  # a service may send any number
        return round(seconds * self._format.sample_rate) * self._format.bytes_per_sample

    def seconds(self, position: int) -> float:
        """Return a position in seconds."""
        return self._format.seconds(position)

    def can_add(self, size: int) -> bool:
        """Return whether *size* bytes can be added without losing what is still to be sent."""
        return self.end + size - self.limit_bytes <= self.sent

    def add(self, audio: bytes) -> None:
        """Add audio; the oldest is dropped where there is too much."""
        self._audio += audio
        self._drop_before(self.end - self.limit_bytes)

    def next_piece(self, size: int, stop: int) -> bytes:
        """Return the next audio to be sent, at most *size* bytes, and at most up to *stop*."""
        stop = min(self.sent + size, stop)
        return bytes(self._audio[self.sent - self.start : max(0, stop - self.start)])

    def cover(self, position: int) -> None:
        """Note that the audio before *position*, as far as it was sent, has final text."""
        self.covered = max(self.covered, min(position, self.sent))
        self._drop_before(self.covered)

    def begin(self) -> Gap | None:
        """Start a connection with the audio that is kept; return what can no longer be covered."""
        gap = self._gap(self.start)
        self.sent = self.base = self.covered
        return gap

    def abandon(self) -> Gap | None:
        """Return all audio that is not covered, since no other connection will be made."""
        gap = self._gap(self.end)
        self._drop_before(self.end)
        return gap

    def _gap(self, end: int) -> Gap | None:
        start, self.covered = self.covered, max(self.covered, end)
        if start >= end:
            return None
        self.gap_bytes += end - start
        return Gap(start_seconds=self.seconds(start), end_seconds=self.seconds(end))

    def _drop_before(self, position: int) -> None:
        if position > self.start:
            del self._audio[: position - self.start]
            self.start = position

"""Audio and commands on their way to the writer, first in, first out."""

from __future__ import annotations

import enum
from collections import deque

import attrs

__all__ = ["Outbox", "Outgoing", "Status"]


class Status(enum.Enum):
    """How far a message has come."""

    QUEUED = "queued"  # may still be withdrawn
    TAKEN = "taken"  # the writer has it: from here on it counts as sent
    SENT = "sent"
    DROPPED = "dropped"  # withdrawn, or the connection was lost


@attrs.define(eq=False)
class Outgoing:
    """A message on its way to the writer: audio as bytes, a command as str, None if needless."""

    payload: str | bytes | None = attrs.field(repr=False)
    status: Status = attrs.field(default=Status.QUEUED, init=False)

    @property
    def is_queued(self) -> bool:
        """True until the writer takes it, or it is dropped."""
        return self.status is Status.QUEUED

    @property
    def is_under_way(self) -> bool:
        """True until it is sent or dropped."""
        return self.status in (Status.QUEUED, Status.TAKEN)

    @property
    def is_withdrawn(self) -> bool:
        """True if it was dropped before the writer took it."""
        return self.status is Status.DROPPED


@attrs.define(eq=False)
class Outbox:
    """The queue before the writer."""

    _queue: deque[Outgoing] = attrs.field(factory=deque, init=False)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def audio_bytes(self) -> int:
        """The audio in it."""
        payloads = (outgoing.payload for outgoing in self._queue)
        return sum(len(payload) for payload in payloads if isinstance(payload, bytes))

    def add(self, payload: str | bytes) -> Outgoing:
        """Queue a message."""
        outgoing = Outgoing(payload)
        self._queue.append(outgoing)
        return outgoing

    def put(self, outgoing: Outgoing) -> None:
        """Queue a message that was made before."""
        outgoing.status = Status.QUEUED
        self._queue.append(outgoing)

    def take(self) -> Outgoing | None:
        """Take the next message, if there is one."""
        if not self._queue:
            return None
        outgoing = self._queue.popleft()
        outgoing.status = Status.TAKEN
        return outgoing

    def withdraw(self, outgoing: Outgoing) -> None:
        """Remove a message, unless the writer has taken it."""
        if outgoing.status is Status.QUEUED:
            outgoing.status = Status.DROPPED
            if outgoing in self._queue:  # and not held until there is a connection
                self._queue.remove(outgoing)

    def take_all(self) -> list[Outgoing]:
        """Remove every message, and return them."""
        messages = list(self._queue)
        self._queue.clear()
        return messages

    def drop_all(self) -> None:
        """Remove every message."""
        for outgoing in self.take_all():
            outgoing.status = Status.DROPPED

"""What may watch sessions; nothing does unless it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics

__all__ = ["ObserveSession", "SessionObserver"]


class SessionObserver(Protocol):
    """Watches one session of speech to text. None of its methods raises."""

    def note_open(self, request_id: str | None) -> None:
        """Note that the connection is open."""

    def note_sent(self, payload: str | bytes | None) -> None:
        """Note that audio or a command is on the wire."""

    def note_event(self, kind: str) -> None:
        """Note that an event of that type has come."""

    def note_left(self, statistics: TranscriptionStatistics, loss: ConnectionLost | None) -> None:
        """Note that the block was left, before or after the connection was lost."""


# called with the address, the path without its query, and the model
ObserveSession = Callable[[Address, str, str], AbstractContextManager[SessionObserver | None, None]]

"""What may watch connections and contexts; nothing does unless it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._runtime.context_entry import ContextEntry

__all__ = ["ConnectionObserver", "ObserveConnection"]


class ConnectionObserver(Protocol):
    """Watches one connection. None of its methods raises."""

    def note_open(self, request_id: str | None) -> None:
        """Note that the connection is open."""

    def note_left(self, loss: ConnectionLost | None) -> None:
        """Note that the block was left, before or after the connection was lost."""

    def open_context(self, entry: ContextEntry) -> Callable[[], None]:
        """Note that a context was opened; return what is called when it leaves the connection."""


ObserveConnection = Callable[[Address], AbstractContextManager[ConnectionObserver | None, None]]

"""The interface between a session and the protocol whose messages it carries."""

from __future__ import annotations

from typing import Protocol, TypeVar

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._runtime.pace import Pace

__all__ = ["Message", "SessionHandler"]


class Message(Protocol):
    """A message to be sent.

    Attributes:
        payload: A text message for str, a binary one for bytes; None where there is no need to send
            it any more.
    """

    @property
    def payload(self) -> str | bytes | None: ...


M = TypeVar("M", bound=Message)


class SessionHandler(Protocol[M]):
    """One protocol on a session, such as the contexts of the TTS WebSocket.

    None of its methods waits, but for `wait_unblocked`. Where one raises a `CartesiaError`, the
    session is lost.

    Attributes:
        pace: How far reading may get ahead.
        is_blocked: True while no further message may be delivered.
        queued_count: Messages that wait for the writer.
    """

    pace: Pace

    @property
    def is_blocked(self) -> bool: ...

    @property
    def queued_count(self) -> int: ...

    def receive_frame(
        self, data: bytearray, view: memoryview, start: int, stop: int, now: float
    ) -> int:
        """Take the text message at *start* to *stop* of *data*; return an `Outcome`."""

    def receive_message(self, message: str | bytes, now: float) -> None:
        """Take a message."""

    async def wait_unblocked(self) -> None:
        """Return once a further message may be delivered."""

    def next_message(self) -> M | None:
        """Return the next message to be sent; from here on it counts as sent."""

    def note_sent(self, message: M) -> None:
        """Note that *message* is on the wire."""

    def note_write_failure(self) -> None:
        """Note that nothing more can be sent; what arrives is still delivered, for a while."""

    def lose(self, loss: ConnectionLost) -> None:
        """Note that the connection has ended."""

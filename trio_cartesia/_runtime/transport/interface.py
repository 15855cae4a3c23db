"""The interface between a session and the transport of its messages."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

__all__ = ["FrameHandler", "Outcome", "Transport"]


class Outcome(IntEnum):
    """The result of a handler for a frame; true if no further frame may be delivered."""

    DELIVERED = 0
    BLOCKED = 1  # delivered, and an inbox that blocks is full
    UNHANDLED = 2  # not delivered: trio-websocket judges it


class FrameHandler(Protocol):
    """Receives messages. Neither method waits, and neither keeps a reference to a buffer."""

    def handle_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> int:
        """Take the text message at *start* to *stop* of *data*; return an `Outcome`."""

    def handle_message(self, message: str | bytes) -> None:
        """Take a message that came through trio-websocket."""


class Transport(Protocol):
    """Carries whole messages. Its methods raise `ConnectionLost` once the connection has ended.

    Attributes:
        request_id: The service's name for the connection, if it gave one.
    """

    @property
    def request_id(self) -> str | None: ...

    async def receive(self, handler: FrameHandler) -> None:
        """Deliver some of the messages that have arrived, in order; wait where there are none.

        It may return without having delivered any. If cancelled, no byte is lost.
        """

    @property
    def can_send_nowait(self) -> bool:
        """True while `send_nowait` may be called."""

    def send_nowait(self, message: str | bytes) -> bool:
        """Send a message without waiting; False if a part of it is left for the next `send`.

        A str is sent as a text message, bytes as a binary one.
        """

    async def send(self, *messages: str | bytes) -> None:
        """Send messages in one write, after what `send_nowait` left.

        If cancelled, the transport is good for nothing but closing.
        """

    async def ping(self) -> None:
        """Send a ping and wait for its pong."""

    async def aclose(self) -> None:
        """Perform the closing handshake."""

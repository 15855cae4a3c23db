"""The writing half of a session.

Only this sends, and it sends whole messages. A message leaves in the turn in which it was queued,
if the transport takes it without waiting; else a task sends it. Neither waits for more to send:
messages that were queued while the task was busy go together.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import trio
from trio.lowlevel import ParkingLot, enable_ki_protection

from trio_cartesia._runtime.handler import Message, SessionHandler
from trio_cartesia._runtime.transport.interface import Transport

__all__ = ["BATCH_SIZE", "Writer"]

BATCH_SIZE: Final = 16_384  # of messages that go together, the last one apart: a TLS record


@attrs.define(eq=False)
class Writer:
    """Sends what a handler has queued.

    Attributes:
        sent_at: When the last message was sent, on Trio's clock.
        writing_since: Since when messages have been on their way, if some are.
    """

    _transport: Transport
    _handler: SessionHandler[Any]
    sent_at: float = attrs.field(factory=trio.current_time, init=False)
    writing_since: float | None = attrs.field(default=None, init=False)
    _to_write: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    _written: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    _begun: Message | None = attrs.field(default=None, init=False)  # of which a part was sent

    @property
    def is_busy(self) -> bool:
        """True while a message waits to be sent or is on its way."""
        return bool(self._handler.queued_count) or self.writing_since is not None

    async def write(self) -> None:
        """Send messages as they are queued, forever.

        Raises:
            ConnectionLost: The peer takes nothing more.
        """
        while True:
            if self._begun is not None:
                begun, self._begun = self._begun, None
                await self._transport.send()
                self._note_sent(begun)
            while (first := self._handler.next_message()) is not None:
                await self._send([first])
                await self._send(self._next_batch())
            self._written.unpark_all()
            await self._to_write.park()

    @enable_ki_protection
    def wake(self) -> None:
        """Send messages that were queued: now, as far as that needs no waiting."""
        transport, handler = self._transport, self._handler
        while handler.queued_count:
            if self.writing_since is not None or not transport.can_send_nowait:
                break
            if (message := handler.next_message()) is None:
                return
            if message.payload is not None and not transport.send_nowait(message.payload):
                self._begun, self.writing_since = message, trio.current_time()
                break
            self._note_sent(message)
        else:
            return
        self._to_write.unpark_all()

    async def wait_written(self) -> None:
        """Return when no message is left to be sent, or none ever will be."""
        await self._written.park()

    def give_up(self) -> None:
        """Wake those in `wait_written`: nothing more will be sent."""
        self._written.unpark_all()

    def _next_batch(self) -> list[Message]:
        batch: list[Message] = []
        size = 0
        while size < BATCH_SIZE:
            if (message := self._handler.next_message()) is None:
                break
            batch.append(message)
            size += len(message.payload or "")
        return batch

    async def _send(self, batch: list[Message]) -> None:
        if payloads := [message.payload for message in batch if message.payload is not None]:
            self.writing_since = trio.current_time()
            await self._transport.send(*payloads)
        for message in batch:
            self._note_sent(message)

    def _note_sent(self, message: Message) -> None:
        if message.payload is not None:
            self.writing_since, self.sent_at = None, trio.current_time()
        self._handler.note_sent(message)

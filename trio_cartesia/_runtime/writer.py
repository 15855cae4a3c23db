"""
What is queued for the service, on its way to the transport.

Only this sends, and it sends whole messages. It never waits for more to send: what has queued up
while it was busy goes together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot, enable_ki_protection

from trio_cartesia._protocol.tts.outbox import Outgoing
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.transport.websocket import Transport

__all__ = ["BATCH_CHARACTERS", "Writer"]

BATCH_CHARACTERS: Final = 16_384  # of messages that go together, the last one apart: a TLS record


@attrs.define(eq=False)
class Writer:
    """
    The writing half of a connection.

    Attributes:
        sent_at: When the last message went, on Trio's clock.
        writing_since: Since when messages have been on their way, if some are.
    """

    _protocol: SpeechProtocol
    _transport: Transport
    _sent: Callable[[Outgoing], None]
    sent_at: float = attrs.field(factory=trio.current_time, init=False)
    writing_since: float | None = attrs.field(default=None, init=False)
    _to_write: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    _written: ParkingLot = attrs.field(factory=ParkingLot, init=False)

    @property
    def is_busy(self) -> bool:
        """True while something waits to be sent or is on its way."""
        return bool(self._protocol.outgoing_count) or self.writing_since is not None

    @enable_ki_protection
    async def write(self) -> None:
        """
        Send what is queued, for ever.

        Raises:
            ConnectionLost: The peer takes nothing more.
        """
        while True:
            while (first := self._protocol.next_outgoing()) is not None:
                await self._send([first])
                await self._send(self._next_batch())
            self._written.unpark_all()
            await self._to_write.park()

    def wake(self) -> None:
        """Let it look for what is queued."""
        self._to_write.unpark_all()

    async def wait_written(self) -> None:
        """Return at the next moment at which nothing is left to be sent, or ever will be."""
        await self._written.park()

    def give_up(self) -> None:
        """Let those go on who wait for it: nothing more will be sent."""
        self._written.unpark_all()

    def _next_batch(self) -> list[Outgoing]:
        batch: list[Outgoing] = []
        characters = 0
        while characters < BATCH_CHARACTERS:
            if (outgoing := self._protocol.next_outgoing()) is None:
                break
            batch.append(outgoing)
            characters += len(outgoing.text or "")
        return batch

    async def _send(self, batch: list[Outgoing]) -> None:
        if texts := [outgoing.text for outgoing in batch if outgoing.text is not None]:
            self.writing_since = trio.current_time()
            await self._transport.send(*texts)
            self.writing_since, self.sent_at = None, trio.current_time()
        for outgoing in batch:
            self._sent(outgoing)

"""A service that finds turns in numbered audio, and drops its connections.

A turn is of so many samples, after as many silent ones; so both sides know where turns are from the
number of a sample alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tests.runtime.stt.numbered import (
    NumberedConnection,
    NumberedService,
    Received,
    spans_of,
    text_of,
)
from trio_cartesia._protocol.stt.turns import TurnSequence, TurnStep

TURN_SAMPLES = 50


def is_speech(number: int) -> bool:
    return number // TURN_SAMPLES % 2 == 1


@attrs.define
class TurnService(NumberedService):
    """Sends the events of turns as soon as their audio has come.

    Attributes:
        eager_at: How many samples of a turn come before its eager end, each time.
    """

    eager_at: Sequence[int] = ()

    async def serve_connection(self, connection: NumberedConnection) -> None:
        await connection.send(type="connected")
        turn: list[int] = []
        while True:
            before = len(connection.received)
            message = await connection.receive()
            if isinstance(message, str):
                self.commands.append(message)
                if "close" in message:
                    if turn:
                        await connection.send(type="turn.end", transcript=text_of(turn))
                    await connection.peer.close()
                    return
                continue
            for number in connection.received[before:]:
                await self._hear(connection, number, turn)
            if turn:
                await connection.send(type="turn.update", transcript=text_of(turn))

    async def _hear(self, connection: NumberedConnection, number: int, turn: list[int]) -> None:
        if is_speech(number):
            if not turn:
                await connection.send(type="turn.start")
            turn.append(number)
            if len(turn) in self.eager_at:
                await connection.send(type="turn.eager_end", transcript=text_of(turn))
            if len(turn) - 1 in self.eager_at:
                await connection.send(type="turn.resume")
        elif turn:
            await connection.send(type="turn.end", transcript=text_of(turn))
            turn.clear()


@attrs.define
class ReceivedTurns(Received):
    """What a receive loop has got; the order of events is checked, as a loop over turns does."""

    _sequence: TurnSequence = attrs.field(factory=TurnSequence)

    def receive(self, event: object) -> None:
        """Take in an event."""
        super().receive(event)
        if event.type.startswith("turn."):
            transcript = getattr(event, "transcript", None)
            turn = self._sequence.receive(TurnStep(event.type), transcript)
            if turn.is_over:
                self.spans += spans_of(turn.text)

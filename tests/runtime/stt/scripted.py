"""A session's events by hand."""

from __future__ import annotations

import math

import attrs
import trio

from trio_cartesia._runtime.stt.turn import TurnReceiver
from trio_cartesia._runtime.stt.turn_reader import TurnReader


@attrs.frozen
class Event:
    type: str
    transcript: str | None = None


class Script:
    """Events that a test sends, and the turns that are received from them."""

    def __init__(self):
        self._send, self._receive = trio.open_memory_channel(math.inf)
        self._error = None
        self.turns = TurnReceiver(TurnReader(self))

    def send(self, kind, transcript=None):
        self._send.send_nowait(Event(f"turn.{kind}", transcript))

    def end(self, error=None):
        self._error = error
        self._send.close()

    async def __anext__(self):
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            raise (self._error or StopAsyncIteration) from None

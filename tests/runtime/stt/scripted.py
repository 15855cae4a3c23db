"""A session's events by hand."""

from __future__ import annotations

import math

import trio

from trio_cartesia._constructors import create
from trio_cartesia._protocol.base.events import UnknownEvent
from trio_cartesia._protocol.stt import messages
from trio_cartesia._runtime.stt.turn import TurnReceiver
from trio_cartesia._runtime.stt.turn_reader import TurnReader

KINDS = {
    kind.type: kind
    for kind in (
        messages.TurnStart,
        messages.TurnUpdate,
        messages.TurnEagerEnd,
        messages.TurnResume,
        messages.TurnEnd,
    )
}


class Script:
    """Events that a test sends, and the turns that are received from them."""

    def __init__(self):
        self._send, self._receive = trio.open_memory_channel(math.inf)
        self._end = None
        self.turns = create(TurnReceiver, TurnReader(self))

    def send(self, kind, *transcript):
        """Send ``turn.kind``, with a transcript where one is given."""
        fields = {"transcript": transcript[0]} if transcript else {}
        self._send.send_nowait(KINDS[f"turn.{kind}"](**fields))

    def send_unknown(self):
        self._send.send_nowait(UnknownEvent(context_id=None, wire_type="turn.music", fields={}))

    def report(self, error):
        """Send an ``error`` event."""
        self._send.send_nowait(error)

    def end(self, error=None):
        self._end = error
        self._send.close()

    async def __anext__(self):
        try:
            event = await self._receive.receive()
        except trio.EndOfChannel:
            raise (self._end or StopAsyncIteration) from None
        if isinstance(event, Exception):
            raise event
        return event

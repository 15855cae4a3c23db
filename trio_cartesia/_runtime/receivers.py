"""A receive loop over audio alone: a class, so that nothing is left suspended by a break."""

from __future__ import annotations

from typing import Self

import attrs

from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.tts.messages import Chunk, Event
from trio_cartesia._runtime.inbox import Inbox

__all__ = ["AudioReceiver"]


@attrs.define(eq=False)
class AudioReceiver:
    """An asynchronous iterator of a context's audio, in whole frames and never empty."""

    _inbox: Inbox[Event]
    _frames: WholeFrames

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            event = await anext(self._inbox)
            if isinstance(event, Chunk) and (audio := self._frames.take(event.audio)):
                return audio

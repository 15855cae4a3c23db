"""
Receive loops: classes, so that nothing is left suspended where a loop breaks.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Self

import attrs

from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.tts.messages import Chunk, Event
from trio_cartesia._runtime.inbox import Inbox

__all__ = ["AudioReceiver", "EventReceiver"]


@attrs.define(eq=False)
class EventReceiver:
    """
    An asynchronous iterator of a context's events, up to and with the terminal one.

    Being cancelled loses nothing: the next iteration goes on where this one stopped.
    """

    _inbox: Inbox

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Event]:
        return (
            self._inbox.next_event()
        )  # a coroutine in between would cost more than all of its work


@attrs.define(eq=False)
class AudioReceiver:
    """An asynchronous iterator of a context's audio, in whole frames and never empty."""

    _inbox: Inbox
    _frames: WholeFrames

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while True:
            event = await self._inbox.next_event()
            if isinstance(event, Chunk) and (audio := self._frames.take(event.audio)):
                return audio

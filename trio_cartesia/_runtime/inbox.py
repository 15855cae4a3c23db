"""
One context's events, between the reader and a receive loop that may be slower.
"""

from __future__ import annotations

import math
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import LocalProtocolError, raise_kept
from trio_cartesia._protocol.messages import Chunk, Event

__all__ = ["CHARACTER_BYTES", "EVENT_BYTES", "Inbox", "Tally", "size_bytes"]

EVENT_BYTES: Final = 256  # what an event counts for itself
IN_A_ROW: Final = 64  # events that one receive loop takes before others get their turn
CHARACTER_BYTES: Final = 32  # for each of an event that is not audio: it may be tiny objects


def size_bytes(event: Event, characters: int) -> int:
    """Return what *event* counts against a byte budget, if its message had *characters*."""
    if type(event) is Chunk:
        return len(event.audio) + EVENT_BYTES
    return characters * CHARACTER_BYTES + EVENT_BYTES


@attrs.define
class Tally:
    """
    Bytes that wait.

    Attributes:
        held_bytes: Now.
        peak_bytes: The most there ever were.
    """

    held_bytes: int = 0
    peak_bytes: int = 0

    def add(self, size: int) -> None:
        """Count *size* bytes that came."""
        held = self.held_bytes = self.held_bytes + size
        if held > self.peak_bytes:
            self.peak_bytes = held


@attrs.define(eq=False)
class Inbox:
    """
    A memory channel, unbounded in items and bounded in bytes.

    Attributes:
        budget_bytes: What may wait, counted by `size_bytes`.
        blocks: True if an inbox over its budget stalls the reader rather than fails.
        tally: What waits here.
        has_dropped: True once something that had come was dropped unheard.
    """

    budget_bytes: int
    blocks: bool
    _total: Tally
    tally: Tally = attrs.field(factory=Tally, init=False)
    has_dropped: bool = attrs.field(default=False, init=False)
    _send: trio.MemorySendChannel[tuple[Event, int]] = attrs.field(init=False)
    _receive: trio.MemoryReceiveChannel[tuple[Event, int]] = attrs.field(init=False)
    _error: BaseException | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _is_receiving: bool = attrs.field(default=False, init=False)
    _in_a_row: int = attrs.field(default=0, init=False)
    _room: ParkingLot = attrs.field(factory=ParkingLot, init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[tuple[Event, int]](math.inf)

    @property
    def is_full(self) -> bool:
        """True while more waits than the budget allows, and there is still a use for it."""
        return not self._is_closed and self.tally.held_bytes > self.budget_bytes

    def put(self, event: Event, characters: int) -> bool:
        """
        Take *event* in, whose message had so many *characters*.

        Returns:
            False, and nothing is taken, where it breaks a budget that fails.
        """
        size = size_bytes(event, characters)
        if self._is_closed:
            return True
        if not self.blocks and self.tally.held_bytes + size > self.budget_bytes:
            return False
        self.tally.add(size)
        self._total.add(size)
        self._send.send_nowait((event, size))
        return True

    def close(self, error: BaseException | None = None) -> None:
        """End it after what waits; receivers then meet *error*, if there is one."""
        if not self._is_closed:
            self._is_closed, self._error = True, error
            self._send.close()
            self._room.unpark_all()

    def amend(self, error: BaseException) -> None:
        """Let receivers meet *error* instead of the one that it was closed with."""
        if self._error is not None:
            self._error = error

    def discard(self, error: BaseException | None = None) -> None:
        """Drop what waits, and end it; where it was not over, receivers meet *error*."""
        was_over = self._is_closed
        try:
            while True:
                _, size = self._receive.receive_nowait()
                self.tally.held_bytes -= size
                self._total.held_bytes -= size
                was_over, self.has_dropped = False, True
        except (trio.WouldBlock, trio.EndOfChannel):
            self.close(error)
        if not was_over:
            self._error = error

    async def wait_room(self) -> None:
        """Return once it is not full."""
        while self.is_full:
            await self._room.park()
        await trio.lowlevel.checkpoint()

    async def next_event(self) -> Event:
        """
        Return the next event; if cancelled, none is lost.

        Events that wait are handed out without a full checkpoint in between, `IN_A_ROW` at the
        most: a consumer that took one for each turn of the scheduler would fall behind a reader
        that never waits.

        Raises:
            StopAsyncIteration: There is no more.
            LocalProtocolError: Another task receives.
            CartesiaError: What the context failed with.
        """
        if self._is_receiving:
            raise LocalProtocolError("another task receives this context's events already")
        if self._in_a_row and self.tally.held_bytes:
            await trio.lowlevel.checkpoint_if_cancelled()
            event, size = self._receive.receive_nowait()
            self._in_a_row -= 1
        else:
            event, size = await self._wait()
        self.tally.held_bytes -= size
        self._total.held_bytes -= size
        if self.blocks:
            self._room.unpark_all()
        return event

    async def _wait(self) -> tuple[Event, int]:
        self._is_receiving = True
        try:
            waited = await self._receive.receive()
        except trio.EndOfChannel:
            if self._error is not None:
                raise_kept(self._error)
            raise StopAsyncIteration from None
        finally:
            self._is_receiving = False
        self._in_a_row = IN_A_ROW - 1
        return waited

"""
One context's events, between the reader and a receive loop that may be slower.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import LocalProtocolError, raise_kept
from trio_cartesia._protocol.tts.messages import Chunk, Event
from trio_cartesia._runtime.waking import Seat, Waker

__all__ = ["CHARACTER_BYTES", "EVENT_BYTES", "ByteCounter", "Inbox", "size_bytes"]

EVENT_BYTES: Final = 256  # what an event counts for itself
IN_A_ROW: Final = 64  # events that one receive loop takes before others get their turn
CHARACTER_BYTES: Final = 32  # for each of an event that is not audio: it may be tiny objects


def size_bytes(event: Event, characters: int) -> int:
    """Return what *event* counts against a byte budget, if its message had *characters*."""
    if type(event) is Chunk:
        return len(event.audio) + EVENT_BYTES
    return characters * CHARACTER_BYTES + EVENT_BYTES


@attrs.define
class ByteCounter:
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
    A queue for one receiver, unbounded in items and bounded in bytes.

    It does what a memory channel does, at half the cost: there is one task at the most that takes
    from it, and none ever waits to put something in.

    Attributes:
        budget_bytes: What may wait, counted by `size_bytes`.
        blocks: True if an inbox over its budget stalls the reader rather than fails.
        tally: What waits here.
        has_dropped: True once something that had come was dropped unheard.
    """

    budget_bytes: int
    blocks: bool
    _total: ByteCounter
    _waker: Waker = attrs.field(factory=Waker)
    tally: ByteCounter = attrs.field(factory=ByteCounter, init=False)
    has_dropped: bool = attrs.field(default=False, init=False)
    _events: deque[Event] = attrs.field(factory=deque, init=False)
    _sizes: deque[int] | None = attrs.field(default=None, init=False)  # of those without audio
    _seat: Seat = attrs.field(factory=Seat, init=False)
    _error: BaseException | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _is_receiving: bool = attrs.field(default=False, init=False)
    _in_a_row: int = attrs.field(default=0, init=False)
    _room: ParkingLot | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if self.blocks:
            self._room = ParkingLot()

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
        if self._is_closed:
            return True
        size = size_bytes(event, characters)
        tally = self.tally
        if tally.held_bytes + size > self.budget_bytes and not self.blocks:
            return False
        tally.add(size)
        self._total.add(size)
        self._events.append(event)
        if type(event) is not Chunk:  # a pair for each would double the work of gc
            if self._sizes is None:
                self._sizes = deque()
            self._sizes.append(size)
        if (seat := self._seat).task is not None:
            self._waker.wake(seat, tally.held_bytes, self.budget_bytes)
        return True

    def close(self, error: BaseException | None = None) -> None:
        """End it after what waits; receivers then meet *error*, if there is one."""
        if not self._is_closed:
            self._is_closed, self._error = True, error
            self._seat.wake()
            self._make_room()

    def amend(self, error: BaseException) -> None:
        """Let receivers meet *error* instead of the one that it was closed with."""
        if self._error is not None:
            self._error = error

    def discard(self, error: BaseException | None = None) -> None:
        """Drop what waits, and end it; where it was not over, receivers meet *error*."""
        was_over = self._is_closed and not self._events
        if self._events:
            self.has_dropped = True
            self._events.clear()
            self._sizes = None
            self._total.held_bytes -= self.tally.held_bytes
            self.tally.held_bytes = 0
        self.close(error)
        if not was_over:
            self._error = error

    async def wait_room(self) -> None:
        """Return once it is not full."""
        while self.is_full and self._room is not None:
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
        if self._in_a_row and self._events:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._in_a_row -= 1
        else:
            await self._wait()
        event = self._events.popleft()
        if type(event) is Chunk or self._sizes is None:
            size = size_bytes(event, 0)
        else:
            size = self._sizes.popleft()
        self.tally.held_bytes -= size
        self._total.held_bytes -= size
        if self.blocks:
            self._make_room()
        return event

    async def _wait(self) -> None:
        """Let others have their turn, and return once there is an event."""
        self._is_receiving = True
        try:
            if self._events:
                await trio.lowlevel.checkpoint()
            elif self._is_closed:
                await trio.lowlevel.checkpoint_if_cancelled()
            while not self._events:
                if self._is_closed:
                    if self._error is not None:
                        raise_kept(self._error)
                    raise StopAsyncIteration
                await self._seat.wait()
        finally:
            self._is_receiving = False
        self._in_a_row = IN_A_ROW - 1

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.unpark_all()

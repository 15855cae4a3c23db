"""Events that wait to be received: a memory channel, unbounded in items and bounded in bytes.

A context has one, and so has a session of speech to text.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Final, Generic, NoReturn, Self, TypeVar

import attrs
import trio
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import LocalProtocolError, raise_kept
from trio_cartesia._protocol.tts.messages import Chunk
from trio_cartesia._runtime.run_check import RunCheck

__all__ = ["CHARACTER_BYTES", "EVENT_BYTES", "ByteCounter", "Inbox"]

EVENT_BYTES: Final = 256  # what an event counts for itself
CHARACTER_BYTES: Final = 32  # for each of an event that is not audio: it may be tiny objects
IN_A_ROW: Final = 256  # events that one receive loop takes before other tasks have their turn

E = TypeVar("E")


@attrs.define
class ByteCounter:
    """Bytes that wait to be received.

    Attributes:
        held_bytes: Now.
        peak_bytes: The most there ever were.
    """

    held_bytes: int = 0
    peak_bytes: int = 0

    def add(self, size: int) -> None:
        """Count *size* more bytes."""
        held = self.held_bytes = self.held_bytes + size
        if held > self.peak_bytes:
            self.peak_bytes = held


@attrs.define(eq=False)
class Inbox(Generic[E]):
    """A memory channel with a byte budget and a kept error; iterating it receives.

    Being cancelled loses nothing: the next iteration goes on where this one stopped.

    Attributes:
        budget_bytes: What may wait, by `EVENT_BYTES`, `CHARACTER_BYTES` and the audio.
        blocks: True if an inbox over its budget stalls the reader rather than fails.
        counter: What waits here.
        has_dropped: True once an event that had arrived was dropped.
        on_discard: Called when what waits is dropped.
    """

    budget_bytes: int
    blocks: bool
    _total: ByteCounter
    _run_check: RunCheck = attrs.field(factory=RunCheck, repr=False)
    counter: ByteCounter = attrs.field(factory=ByteCounter, init=False)
    has_dropped: bool = attrs.field(default=False, init=False)
    on_discard: Callable[[], None] | None = attrs.field(default=None, init=False, repr=False)
    _send: trio.MemorySendChannel[E] = attrs.field(init=False, repr=False)
    _receive: trio.MemoryReceiveChannel[E] = attrs.field(init=False, repr=False)
    _sizes: deque[int] | None = attrs.field(default=None, init=False)  # of those without audio
    _error: BaseException | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _is_discarded: bool = attrs.field(default=False, init=False)
    _is_receiving: bool = attrs.field(default=False, init=False)
    _in_a_row: int = attrs.field(default=0, init=False)
    _room: ParkingLot | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel(math.inf)
        if self.blocks:
            self._room = ParkingLot()

    @property
    def is_full(self) -> bool:
        """True while more waits than the budget allows, and there is still a use for it."""
        return not self._is_closed and self.counter.held_bytes > self.budget_bytes

    @property
    def has_events(self) -> bool:
        """True while an event waits to be received."""
        return self.counter.held_bytes > 0

    def put(self, event: E, characters: int) -> bool:
        """Take *event* in, whose message had so many *characters*.

        Returns:
            False, and nothing is taken, where it breaks a budget that fails.
        """
        if self._is_closed:
            return True
        if type(event) is Chunk:
            size = len(event.audio) + EVENT_BYTES  # type: ignore[attr-defined]  # mypy narrows no E
        else:
            size = characters * CHARACTER_BYTES + EVENT_BYTES
        counter = self.counter
        if counter.held_bytes + size > self.budget_bytes and not self.blocks:
            return False
        held = counter.held_bytes = counter.held_bytes + size
        if held > counter.peak_bytes:
            counter.peak_bytes = held
        total = self._total
        held = total.held_bytes = total.held_bytes + size
        if held > total.peak_bytes:
            total.peak_bytes = held
        if type(event) is not Chunk:  # a pair for each would double the work of gc
            if self._sizes is None:
                self._sizes = deque()
            self._sizes.append(size)
        self._send.send_nowait(event)
        return True

    def close(self, error: BaseException | None = None) -> None:
        """End it after what waits; receivers then meet *error*, if there is one."""
        if not self._is_closed:
            self._is_closed, self._error = True, error
            self._send.close()
            self._make_room()

    def amend(self, error: BaseException) -> None:
        """Let receivers meet *error* instead of the one that it was closed with."""
        if self._error is not None:
            self._error = error

    def discard(self, error: BaseException | None = None) -> None:
        """Drop what waits, and end it; where it was not over, receivers meet *error*."""
        held = self.counter.held_bytes
        was_over = self._is_closed and not held
        if held:
            self.has_dropped = True
            self._total.held_bytes -= held
            self.counter.held_bytes = 0
            self._sizes = None
        self.close(error)
        if not was_over:
            self._error = error
        self._is_discarded = True
        self._receive.close()
        if self.on_discard is not None:
            self.on_discard()

    def put_back(self, events: Sequence[E]) -> None:
        """Put *events* that were received back, before those that wait; no task may be waiting.

        They are not held to the budget, and one that is not audio counts `EVENT_BYTES`.
        """
        if not events or self._is_discarded:
            return
        waiting, old = self._receive.statistics().current_buffer_used, self._receive
        self._send, self._receive = trio.open_memory_channel(math.inf)
        for event in (*events, *(old.receive_nowait() for _ in range(waiting))):
            self._send.send_nowait(event)
        if self._is_closed:
            self._send.close()
        sizes = [EVENT_BYTES for event in events if type(event) is not Chunk]
        self._sizes = deque((*sizes, *(self._sizes or ())))
        audio = sum(len(event.audio) for event in events if isinstance(event, Chunk))
        for counter in (self.counter, self._total):
            counter.add(audio + EVENT_BYTES * len(events))

    async def wait_room(self) -> None:
        """Return once it is not full."""
        while self.is_full and self._room is not None:
            await self._room.park()
        await trio.lowlevel.checkpoint()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> E:
        """Return the next event; if cancelled, none is lost.

        Events that wait are returned without a full checkpoint in between, at most `IN_A_ROW`: a
        consumer that took one for each turn of the scheduler would fall behind the reader.

        Raises:
            StopAsyncIteration: There is no more.
            LocalProtocolError: Another task receives.
            CartesiaError: What it was closed with.
        """
        if get_ident() != self._run_check.thread:  # the rest is checked where it may wait
            self._run_check.check()
        if self._is_receiving:
            raise LocalProtocolError("another task receives these events already")
        counter = self.counter
        if self._in_a_row and counter.held_bytes:
            await trio.lowlevel.checkpoint_if_cancelled()
            self._in_a_row -= 1
            event = self._receive.receive_nowait()
        else:
            event = await self._wait()
        if type(event) is Chunk:
            size = len(event.audio) + EVENT_BYTES  # type: ignore[attr-defined]  # mypy narrows no E
        else:
            assert self._sizes is not None
            size = self._sizes.popleft()
        counter.held_bytes -= size
        self._total.held_bytes -= size
        if self.blocks:
            self._make_room()
        return event

    async def _wait(self) -> E:
        self._run_check.check()
        self._is_receiving = True
        try:
            event = await self._receive.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            self._raise_end()
        finally:
            self._is_receiving = False
        if self._is_discarded:  # while the event was on its way to this task
            self._raise_end()
        self._in_a_row = IN_A_ROW - 1
        return event

    def _raise_end(self) -> NoReturn:
        if self._error is not None:
            raise_kept(self._error)
        raise StopAsyncIteration

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.unpark_all()

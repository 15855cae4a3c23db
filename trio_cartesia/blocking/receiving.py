"""Receive loops of threads over an inbox, a batch for each switch of threads.

A task of Trio moves events from the inbox to a batch, and wakes the thread once. It takes all that
waits, within `BATCH_BYTES`, when the thread has asked for more; while the thread has not, it takes
a single one, so that a thread that keeps up with the service never has to wake Trio.

Python may raise `KeyboardInterrupt` in a thread after any call. So what takes an event out of the
batch makes no call between that and its return: an interrupted loop loses nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock
from typing import Final, Generic, Self, TypeVar

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.tts.messages import Chunk, Event
from trio_cartesia._runtime.inbox import Inbox
from trio_cartesia.blocking.call import client_has_ended
from trio_cartesia.blocking.portal import Portal

__all__ = ["BATCH_BYTES", "AudioIterator", "EventIterator"]

BATCH_BYTES: Final = 256 * 1024  # of events that a thread is given at once

E = TypeVar("E")


def _locked() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@attrs.define(eq=False)
class EventIterator(Iterator[E], Generic[E]):
    """An iterator of the events of a context or a session, for one thread at a time."""

    _portal: Portal = attrs.field(repr=False)
    _inbox: Inbox[E] = attrs.field(repr=False)
    batch: deque[E] = attrs.field(factory=deque, init=False, repr=False)
    _is_waiting: bool = attrs.field(default=False, init=False)  # the thread
    _has_asked: bool = attrs.field(default=False, init=False)
    _wake: Lock = attrs.field(factory=_locked, init=False, repr=False)  # the thread
    _end: Exception | None = attrs.field(default=None, init=False)
    _reading: trio.CancelScope | None = attrs.field(default=None, init=False)
    _has_read: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)
    _is_parked: bool = attrs.field(default=False, init=False)  # the task
    _asked: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)

    # -- in the thread

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> E:
        batch = self.batch
        while True:
            while not batch:
                self._wait()
            try:
                event = batch[0]
                del batch[0]
                return event  # noqa: TRY300  # no call since the event was taken
            except IndexError:  # another thread has put it back
                continue

    def first(self) -> E:
        """Return the first event of `batch`, once there is one."""
        while True:
            while not self.batch:
                self._wait()
            try:
                return self.batch[0]
            except IndexError:
                continue

    def _wait(self) -> None:
        """Ask for events, and wait; there may be none all the same."""
        if self._is_waiting:
            raise LocalProtocolError("another thread receives these events already")
        try:
            self._is_waiting = self._has_asked = True
            if (end := self._end) is not None:
                if self.batch:  # since the caller looked
                    return
                self._end = None
                raise StopIteration if isinstance(end, StopAsyncIteration) else end
            if self._reading is None:
                self._portal.run_sync(self._start)
            elif self._is_parked:
                self._portal.soon(self._unpark)
            self._wake.acquire()
        finally:
            self._is_waiting = False

    # -- in Trio

    async def put_back(self) -> None:
        """Return the batch to the inbox, where a thread has broken its loop."""
        while self._reading is not None and not self._is_waiting:
            self._reading.cancel("events are received in another way")
            await self._has_read.wait()
        if self._reading is None:
            self._end, events = None, deque[E]()
            while self.batch:
                with suppress(IndexError):  # a thread takes events at the other end
                    events.appendleft(self.batch.pop())
            self._inbox.put_back(events)

    def _start(self) -> None:
        if self._reading is None:  # else a call that was interrupted has started it
            self._reading, self._has_read = trio.CancelScope(), trio.Event()
            self._portal.nursery.start_soon(self._read, self._reading)

    def _unpark(self) -> None:
        self._asked.set()

    async def _read(self, scope: trio.CancelScope) -> None:
        try:
            with scope:
                while True:
                    await self._fill()
        except trio.Cancelled:
            self._end = client_has_ended()
            raise
        except Exception as end:  # noqa: BLE001  # the thread raises it
            self._end = end
        finally:
            self._reading = None
            self._has_read.set()
            self._wake_thread()

    async def _fill(self) -> None:
        inbox, batch = self._inbox, self.batch
        batch.append(await anext(inbox))
        if self._has_asked:
            rest_bytes = max(0, inbox.counter.held_bytes - BATCH_BYTES)
            while inbox.counter.held_bytes > rest_bytes:
                batch.append(await anext(inbox))
        else:
            await self._park()
        if batch:  # else the thread took it all while this was parked
            self._has_asked = False
            self._wake_thread()

    async def _park(self) -> None:
        """Wait until the thread asks for more."""
        self._is_parked = True
        try:
            while not self._has_asked:
                await self._asked.wait()
                self._asked = trio.Event()
        finally:
            self._is_parked = False

    def _wake_thread(self) -> None:
        if self._wake.locked():
            self._wake.release()


@attrs.define(eq=False)
class AudioIterator(Iterator[bytes]):
    """An iterator of a context's audio, in whole frames and never empty."""

    _events: EventIterator[Event]
    _frames: WholeFrames

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        events, frames = self._events, self._frames
        while True:
            event = events.first()
            try:
                if isinstance(event, Chunk):
                    audio, rest = frames._split(event.audio)
                    del events.batch[0]
                    frames._rest = rest
                    if audio:
                        return audio  # no call since the event was taken
                else:
                    del events.batch[0]
            except IndexError:  # another thread has put it back
                continue

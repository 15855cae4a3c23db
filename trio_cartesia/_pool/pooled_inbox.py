"""The inbox of a context that goes from one connection to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from trio_cartesia._pool.resumption import Resumption
from trio_cartesia._protocol.tts.messages import (
    Done,
    Event,
    PhonemeTimestamps,
    WordTimestamps,
)
from trio_cartesia._runtime.inbox import ByteCounter, Inbox

__all__ = ["PooledInbox", "ResumableInbox"]

TIMES_CHARACTERS: Final = 32  # that a word or phoneme counts for, besides its text


@attrs.define(eq=False)
class PooledInbox(Inbox[Event]):
    """An inbox that goes with its context, and outlives the connections that fill it.

    Attributes:
        on_close: Called before it is closed; if it returns True, the inbox stays open.
    """

    on_close: Callable[[BaseException | None], bool] = attrs.field(kw_only=True, repr=False)

    @property
    def has_received(self) -> bool:
        """True once an event has arrived."""
        return self.counter.peak_bytes > 0

    def count_in(self, total: ByteCounter) -> None:
        """Count what waits as held by another connection."""
        held = self.counter.held_bytes
        self._total.held_bytes -= held
        self._total = total
        total.add(held)

    def close(self, error: BaseException | None = None) -> None:
        """End it after what waits, unless the context goes on elsewhere."""
        if self._is_closed or not self.on_close(error):
            super().close(error)


@attrs.define(eq=False)
class ResumableInbox(PooledInbox):
    """The inbox of a context that may be resumed, which takes in what of its events is due.

    Attributes:
        resumption: Decides what is due.
        note_progress: Called after each event.
    """

    resumption: Resumption = attrs.field(kw_only=True, repr=False)
    note_progress: Callable[[], object] = attrs.field(kw_only=True, repr=False)

    def put(self, event: Event, characters: int) -> bool:
        """Take *event*, and put in what is due now."""
        if self._is_closed:
            return True
        takes_all = all(self.put_due(due, characters) for due in self.resumption.receive(event))
        self.note_progress()
        return takes_all

    def put_due(self, event: Event, characters: int = 0) -> bool:
        """Put in an event that is due."""
        if isinstance(event, WordTimestamps):
            texts: tuple[str, ...] = event.word_timestamps.words
        elif isinstance(event, PhonemeTimestamps):
            texts = event.phoneme_timestamps.phonemes
        else:
            return super().put(event, characters)
        return super().put(event, sum(map(len, texts)) + TIMES_CHARACTERS * len(texts))

    def finish(self, context_id: str) -> None:
        """End it as if the service had ended the context."""
        self.put(Done(context_id=context_id), 0)
        Inbox.close(self)

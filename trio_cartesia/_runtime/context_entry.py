"""The state of one context in the runtime."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs
import trio
from trio.lowlevel import ParkingLot

from trio_cartesia._errors import CartesiaError, InboxOverflow, LocalProtocolError
from trio_cartesia._protocol.tts.contexts import ContextState
from trio_cartesia._protocol.tts.messages import Chunk, Event
from trio_cartesia._protocol.tts.timings import Timings
from trio_cartesia._runtime.inbox import Inbox

__all__ = ["DEFAULT_DELAY_MS", "ContextEntry"]

DEFAULT_DELAY_MS: Final = 3000  # of ``max_buffer_delay_ms`` (protocol §2.8)


@attrs.define(eq=False)
class ContextEntry:
    """One context, from the opening of its block to the end of it.

    Attributes:
        context_id: Its name on the connection.
        state: What the protocol knows of it.
        inbox: Its events.
        is_fed: True if a task of ours pushes its text.
        stall_seconds: How long text may be owed with nothing arriving.
        foreign_chunks_before: Chunks for contexts that were never opened, when it was opened.
        active_at: When something was last sent for it or arrived, on Trio's clock.
        sent: Where those wait who push.
        opened_at, pushed_at, sent_at, ended_at: As in `Timings`.
        on_release: Called when it leaves the connection, if it is watched.
    """

    context_id: str
    state: ContextState
    inbox: Inbox[Event]
    is_fed: bool
    stall_seconds: float
    foreign_chunks_before: int
    active_at: float = attrs.field(factory=trio.current_time, init=False)
    sent: ParkingLot = attrs.field(factory=ParkingLot, init=False)
    opened_at: float = attrs.field(init=False)
    pushed_at: float | None = attrs.field(default=None, init=False)
    sent_at: float | None = attrs.field(default=None, init=False)
    ended_at: float | None = attrs.field(default=None, init=False)
    on_release: Callable[[], None] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.opened_at = self.active_at

    @property
    def stall_deadline(self) -> float:
        """When the context has stalled, if nothing is sent or arrives until then."""
        state = self.state
        if not state.is_open:
            return math.inf
        if state.is_ending:
            return self.active_at + self.stall_seconds
        if not state.unspoken.has_words:
            return math.inf
        delay_ms = state.settings.max_buffer_delay_ms  # the service may wait for more text
        delay_seconds = (DEFAULT_DELAY_MS if delay_ms is None else delay_ms) / 1000
        return self.active_at + delay_seconds + self.stall_seconds

    def go_on_from(self, before: ContextEntry) -> None:
        """Keep the times of the entry that the context had on another connection."""
        self.opened_at, self.pushed_at = before.opened_at, before.pushed_at
        self.sent_at, self.state.audio = before.sent_at, before.state.audio
        self.state.audio.start_bytes = self.state.audio.size_bytes

    def timings(self) -> Timings:
        """Return when things happened to it."""
        audio = self.state.audio
        return Timings(
            opened_at=self.opened_at,
            pushed_at=self.pushed_at,
            sent_at=self.sent_at,
            first_audio_at=audio.first_at,
            last_audio_at=audio.last_at,
            ended_at=self.ended_at,
            audio_seconds=audio.seconds,
            starved_seconds=audio.starved_seconds,
        )

    def described(self, error: Exception, request_id: str | None) -> Exception:
        """Return *error*, which has ended it, with what was not spoken and the connection's id."""
        if isinstance(error, CartesiaError):
            error.request_id = error.request_id or request_id
            error.unspoken = error.unspoken or self.state.unspoken_texts()
        return error

    def block_has_ended(self) -> LocalProtocolError:
        """Return the error of calls after the context's block was left."""
        return LocalProtocolError("the context's block has ended", context_id=self.context_id)

    def overflow(self, event: Event) -> InboxOverflow:
        """Return the error that it fails with, since its inbox does not take *event*."""
        if isinstance(event, Chunk):
            self.state.drop_audio(len(event.audio))
        return InboxOverflow(
            f"more than {self.inbox.budget_bytes} bytes of events wait to be received",
            context_id=self.context_id,
        )

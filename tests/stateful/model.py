"""What must be true of connections and contexts, kept the simple way: lists and flags."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import trio

from trio_cartesia import (
    CartesiaError,
    Chunk,
    Connection,
    ConnectionLost,
    Context,
    ContextExpired,
    ContextFailed,
    Event,
    FlushDone,
    InboxOverflow,
    LocalProtocolError,
    RemoteProtocolError,
    UnknownEvent,
    WordTimestamps,
)
from trio_cartesia._protocol.tts.tombstones import DRAINING_SECONDS
from trio_cartesia._runtime.inbox import CHARACTER_BYTES, EVENT_BYTES
from trio_cartesia.testing import Peer

QUIET_ENDS = {"done", "expired", "cancelled"}  # the receive loop just ends
LOUD_ENDS = {
    "failed": ContextFailed,
    "overflow": InboxOverflow,
    "malformed": RemoteProtocolError,
    "lost": ConnectionLost,
}


def essence(event: Event) -> tuple[Any, ...]:
    """Return what is compared of an event."""
    if isinstance(event, Chunk):
        return ("chunk", event.segment, event.audio)
    if isinstance(event, WordTimestamps):
        return ("timestamps", event.segment, event.word_timestamps.words)
    if isinstance(event, FlushDone):
        return ("flush_done", event.segment)
    if isinstance(event, UnknownEvent):
        return ("unknown", event.wire_type)
    return ("done",)


@dataclass(eq=False)
class Push:
    """One input that somebody asked for."""

    number: int
    kind: str  # text, flush or last
    text: str
    is_over: bool = False
    error: BaseException | None = None
    was_taken_back: bool = False
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def was_sent(self) -> bool:
        return self.is_over and self.error is None and not self.scope.cancelled_caught


@dataclass(eq=False)
class Call:
    """One connection."""

    connection: Connection
    peer: Peer
    scope: trio.CancelScope
    to_say: trio.MemorySendChannel[Any]
    requests: list[dict[str, Any]] = field(default_factory=list)  # that the peer has heard
    talks: list[Talk] = field(default_factory=list)
    is_lost: bool = False
    is_over: bool = False  # its block has ended
    stalled_at: float = math.inf
    messages: int = 0
    audio_bytes: int = 0
    undelivered: int = 0
    unknown: int = 0
    malformed: int = 0

    @property
    def is_stalled(self) -> bool:
        return self.stalled_at < math.inf

    @property
    def is_busy(self) -> bool:
        """True once a few messages have crossed."""
        return self.messages + len(self.requests) > 4

    @property
    def is_quiet(self) -> bool:
        """True where all that was sent has been heard."""
        return not self.is_stalled and not self.is_lost

    def lose(self) -> None:
        """Note that the connection has ended."""
        self.is_lost = True
        for talk in self.talks:
            talk.finish("lost")
            talk.is_draining = talk.is_draining and not talk.is_inside


@dataclass(eq=False)
class Talk:
    """One context."""

    name: str
    call: Call
    pace_seconds: float
    budget_bytes: int
    context: Context | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    pushes: list[Push] = field(default_factory=list)
    said: list[tuple[Any, ...]] = field(default_factory=list)  # to be delivered
    sizes: list[int] = field(default_factory=list)
    heard: list[tuple[Any, ...]] = field(default_factory=list)
    segment: int = 0
    end: str | None = None
    raised: CartesiaError | None = None
    is_inside: bool = True
    is_loop_over: bool = False
    is_discarded: bool = False  # what waited was dropped
    is_draining: bool = False  # a cancel was due, and no terminal event came since
    cancel_is_due: bool = False
    cancel_may_be_spared: bool = False  # the service ended it while that was on its way
    is_murky: bool = False  # nobody can tell whether an input was being sent when it was stopped
    terminal_was_said: bool = False
    left_at: float = math.inf

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The inputs that the peer has heard."""
        mine = (request for request in self.call.requests if request["context_id"] == self.name)
        return [request for request in mine if "cancel" not in request]

    @property
    def cancels(self) -> int:
        mine = (request for request in self.call.requests if request["context_id"] == self.name)
        return sum("cancel" in request for request in mine)

    @property
    def was_sent(self) -> bool:
        """True once the service knows of it, or is about to."""
        texts = (push for push in self.pushes if push.kind == "text")
        return bool(self.inputs) or any(push.was_sent for push in texts)

    @property
    def is_pushing(self) -> bool:
        return any(not push.is_over for push in self.pushes)

    def asked_for(self, kind: str) -> bool:
        """Tell whether such an input was asked for, and not refused."""
        asked = (push for push in self.pushes if push.error is None and not push.was_taken_back)
        return any(push.kind == kind for push in asked)

    @property
    def waiting_bytes(self) -> int:
        """What waits to be received."""
        return 0 if self.is_discarded else sum(self.sizes[len(self.heard) :])

    def is_remembered(self, now: float) -> bool:
        """True while late events are expected."""
        return self.is_draining and now < self.left_at + DRAINING_SECONDS

    def finish(self, end: str) -> None:
        """End it, unless it has ended before."""
        if self.end is None:
            self.end = end

    def stop(self, end: str) -> None:
        """End it from this side."""
        if self.end is None:
            self.end = end
            self.is_murky = self.is_murky or (self.is_pushing and not self.was_sent)
            self.cancel_is_due = self.is_draining = self.was_sent

    def leave(self, now: float) -> None:
        """Leave the block."""
        self.stop("left")
        self.is_inside, self.is_discarded, self.left_at = False, True, now

    def receive(self, event: dict[str, Any], characters: int, audio: bytes) -> None:
        """Note that the service said *event* to it, with everything at rest."""
        kind = event["type"]
        if not self.was_sent or self.end is not None or not self.is_inside:
            self.call.undelivered += 1
            if kind in ("done", "error"):
                self.terminal_was_said = True
                self.is_draining = False
                self.cancel_may_be_spared = self.cancel_is_due and not self.cancels
            return
        if kind == "error":
            self.terminal_was_said = True
            self.finish("failed")
            return
        if event.get("data") == "!":
            self.stop("malformed")
            return
        size = EVENT_BYTES + (len(audio) if kind == "chunk" else characters * CHARACTER_BYTES)
        if self.waiting_bytes + size > self.budget_bytes:
            self.stop("overflow")
            if kind == "done":  # there is nothing left to cancel
                self.terminal_was_said, self.is_draining, self.cancel_is_due = True, False, False
            return
        self.sizes.append(size)
        self.said.append(
            {
                "chunk": ("chunk", self.segment, audio),
                "timestamps": ("timestamps", self.segment, ("word",)),
                "flush_done": ("flush_done", self.segment),
                "done": ("done",),
            }.get(kind, ("unknown", kind))
        )
        self.segment += kind == "flush_done"
        if kind == "done":
            self.terminal_was_said = True
            self.finish("done" if self.inputs and not self.inputs[-1]["continue"] else "expired")

    def refusals(self) -> tuple[type[Exception], ...]:
        """Return what a further input may be refused with; nothing if it must be taken."""
        if not self.is_inside:
            return (LocalProtocolError,)
        reasons: list[type[Exception]] = []  # where there are several, any will do
        if self.call.is_lost:
            reasons.append(ConnectionLost)
        if self.end in LOUD_ENDS:
            reasons.append(LOUD_ENDS[self.end])
        if self.end in QUIET_ENDS or (self.end and self.terminal_was_said):
            reasons += [LocalProtocolError, ContextExpired]
        if self.asked_for("last"):
            reasons.append(LocalProtocolError)
        return tuple(reasons)

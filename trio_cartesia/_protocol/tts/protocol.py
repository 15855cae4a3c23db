"""Many contexts over one stream of messages: no I/O and no clock; time is an argument."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from trio_cartesia._errors import CartesiaError, LocalProtocolError, RemoteProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.context_states import End, State, Trigger, advance
from trio_cartesia._protocol.tts.contexts import ContextState
from trio_cartesia._protocol.tts.counters import Counters
from trio_cartesia._protocol.tts.decoder import read_event
from trio_cartesia._protocol.tts.encoder import write_input, write_settings
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.messages import (
    Chunk,
    Done,
    Event,
    FlushDone,
    Received,
)
from trio_cartesia._protocol.tts.outbox import Outbox, Outgoing, Status
from trio_cartesia._protocol.tts.requests import CancelRequest, GenerationRequest
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.tombstones import Tombstones

__all__ = ["Delivery", "SpeechProtocol"]

Delivery = tuple[str, Event | CartesiaError]  # to which context, and what


@attrs.define(eq=False)
class SpeechProtocol:
    """The client's side of one TTS WebSocket.

    Attributes:
        voice_as_object: True for API versions before 2026-08-14 (protocol §1.2).
        segments: The segment that each open context is in, where it is not the first.
        foreign_chunks: Chunks for contexts that were never opened on this connection.
        retired: The error that says that no more contexts can be carried, if one came.
        on_end: Called with the id of each context that the service has ended, whose block may have
            been left before.
    """

    _ids: ContextIds
    voice_as_object: bool = False
    foreign_chunks: int = attrs.field(default=0, init=False)
    retired: CartesiaError | None = attrs.field(default=None, init=False)
    on_end: Callable[[str], None] = attrs.field(default=lambda _: None, init=False, repr=False)
    counters: Counters = attrs.field(factory=Counters, init=False)
    _contexts: dict[str, ContextState] = attrs.field(factory=dict, init=False)
    segments: dict[str, int] = attrs.field(factory=dict, init=False)
    _tombstones: Tombstones = attrs.field(factory=Tombstones, init=False)
    _outbox: Outbox = attrs.field(factory=Outbox, init=False)

    def open(self, settings: ContextSettings, context_id: str | None = None) -> str:
        """Register a context and return its id; nothing is sent yet.

        Raises:
            LocalProtocolError: The id cannot be one, or was used on this connection before.
        """
        context_id = self._ids.make() if context_id is None else self._ids.claim(context_id)
        if context_id in self._contexts or context_id in self._tombstones:
            raise LocalProtocolError("the context id is in use", context_id=context_id)
        common = write_settings(settings, voice_as_object=self.voice_as_object)
        self._contexts[context_id] = ContextState(settings=settings, common=common)
        self.counters.contexts_opened += 1
        return context_id

    def context(self, context_id: str) -> ContextState:
        """Return what is known of a registered context."""
        return self._contexts[context_id]

    def queue_input(
        self,
        context_id: str,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Outgoing:
        """Queue an input; empty text comes with *flush* or *last* only (protocol §2.6).

        Raises:
            LocalProtocolError: The text is not fit to be sent, or the context takes no more.
            CartesiaError: The service ended the context first, or it failed.
        """
        context = self._contexts[context_id]
        checks.transcript(transcript, context_id, may_be_empty=flush or last)
        context.check_takes_input(context_id, transcript)
        if flush and context.is_empty:
            raise LocalProtocolError("nothing was pushed to flush", context_id=context_id)
        request = GenerationRequest(
            settings=context.settings,
            context_id=context_id,
            transcript=transcript,
            continue_=not last,
            flush=flush,
            generation_config=generation_config,
        )
        outgoing = self._outbox.add(request, write_input(request, context.common))
        context.queued[outgoing] = None
        return outgoing

    def withdraw(self, outgoing: Outgoing) -> bool:
        """Take a message back; return False if the writer has taken it, or it was dropped."""
        if outgoing.status is not Status.QUEUED:
            return False
        self._outbox.drop(outgoing)
        del self._contexts[outgoing.context_id].queued[outgoing]
        return True

    def cancel(self, context_id: str) -> bool:
        """Drop what is queued of a context, and queue one cancel if the service knows of it.

        Returns:
            False if the context had ended before, so that there was nothing to do.
        """
        context = self._contexts[context_id]
        context.drop_queued(self._outbox)
        if context.end is not None:
            return False
        known = context.is_open
        context.state = advance(context.state, Trigger.CANCEL)
        context.end = End.CANCELLED
        if known:
            self._outbox.add_cancel(context_id)
        return True

    def fail(self, context_id: str, error: Exception) -> None:
        """Cancel a context for a reason that is not the service's; a later input meets *error*."""
        if self.cancel(context_id):
            context = self._contexts[context_id]
            context.failure, context.end = error, End.FAILED

    def retire(self, context_id: str, now: float, *, is_refused: bool = False) -> None:
        """Forget a context whose block was left, cancelling it where it had not ended.

        One whose first input *is_refused* is cancelled too: a later one may have begun it anew.
        """
        self.cancel(context_id)
        context = self._contexts.pop(context_id)
        self.segments.pop(context_id, None)
        if is_refused:
            self._outbox.add_cancel(context_id)
        if is_refused or context.state is State.DRAINING:
            self._tombstones.prune(now)
            self._tombstones.add(context_id, now)

    def lose(self) -> None:
        """End every context: the connection is gone."""
        for context in self._contexts.values():
            context.drop_queued(self._outbox)
            if context.state is not State.CLOSED:
                context.state = advance(context.state, Trigger.LOSE)
                context.end = context.end or End.LOST
        self._outbox.drop_all()

    @property
    def outgoing_count(self) -> int:
        """Messages that wait for the writer."""
        return len(self._outbox)

    def next_outgoing(self) -> Outgoing | None:
        """Take the next message: from here on it counts as sent."""
        outgoing = self._outbox.take()
        if outgoing is None or isinstance(outgoing.request, CancelRequest):
            return outgoing
        context = self._contexts[outgoing.context_id]
        del context.queued[outgoing]
        if context.state is State.NEW and not outgoing.transcript:  # earlier text was withdrawn
            outgoing.payload = None
            if not outgoing.is_last:
                return outgoing
            context.end = End.DONE
        else:
            context.state = advance(context.state, Trigger.SEND)
        if outgoing.is_last:
            context.state = advance(context.state, Trigger.SEND_LAST)
        context.note_sent(outgoing.transcript)
        return outgoing

    def sent(self, outgoing: Outgoing) -> None:
        """Note that a message is on the wire, or needs not be."""
        outgoing.status = Status.SENT
        self.counters.requests_sent += outgoing.payload is not None

    def receive(self, text: str | bytes, now: float) -> list[Delivery]:
        """Read one message and say what goes to which context.

        Raises:
            RemoteProtocolError: It cannot be read, and it cannot be told whose it is.
        """
        try:
            event = read_event(text, self.segments)
        except RemoteProtocolError as error:
            self.counters.events_received += 1
            self.counters.malformed_events += 1
            return self._receive_malformed(error)
        if isinstance(event, Chunk):
            return [(event.context_id, event)] if self.receive_chunk(event, now) else []
        self.counters.events_received += 1
        if isinstance(event, UnknownEvent):
            self.counters.unknown_events += 1
        elif isinstance(event, ErrorEvent) and event.context_id is None:
            return self._receive_unattributed(event, now)
        context = self._contexts.get(event.context_id or "")
        if context is None or not context.is_open:
            self._receive_late(event, context, now)
            return []
        return [self._receive(event, context)]

    def receive_chunk(self, chunk: Chunk, now: float) -> bool:
        """Take a chunk that was read elsewhere; True if its context is to have it."""
        counters, size = self.counters, len(chunk.audio)
        counters.events_received += 1
        counters.audio_bytes_received += size
        context = self._contexts.get(chunk.context_id)
        if context is None or not context.is_open:
            self._receive_late(chunk, context, now)
            return False
        if size:
            if context.unspoken.pending:
                context.unspoken.clear(context.audio.size_bytes)
            audio = context.audio
            if now > audio.enough_until:
                audio.look_ahead(now)
            audio.size_bytes += size
            audio.last_at = now
        return True

    def draining_count(self, now: float) -> int:
        """Return how many cancelled contexts the service has not ended yet."""
        self._tombstones.prune(now)
        draining = sum(context.state is State.DRAINING for context in self._contexts.values())
        return draining + len(self._tombstones)

    def open_count(self) -> int:
        """Return how many contexts are registered and have not ended."""
        return sum(context.end is None for context in self._contexts.values())

    def _receive(self, event: Received, context: ContextState) -> Delivery:
        assert event.context_id is not None
        item = context.receive(event, self._outbox)
        if isinstance(event, (Done, ErrorEvent)):
            self.on_end(event.context_id)
        elif isinstance(event, FlushDone):
            self.segments[event.context_id] = event.segment + 1
        return event.context_id, item

    def _receive_late(self, event: Received, context: ContextState | None, now: float) -> None:
        context_id = event.context_id
        self._tombstones.prune(now)
        if context is None and (context_id is None or context_id not in self._tombstones):
            self.counters.stray_events += 1
            if isinstance(event, Chunk) and self._ids.is_foreign(event.context_id):
                self.foreign_chunks += 1
        else:
            self.counters.add_dropped(len(event.audio) if isinstance(event, Chunk) else 0)
        if context_id is None or not isinstance(event, (Done, ErrorEvent)):
            return
        self._tombstones.remove(context_id)
        if context is not None and context.state is State.DRAINING:
            context.state = advance(context.state, Trigger.RECEIVE_DONE)
        self._outbox.drop_cancel(context_id)  # none follows a terminal event (protocol §2.9)
        self.on_end(context_id)

    def _receive_malformed(self, error: RemoteProtocolError) -> list[Delivery]:
        if (context_id := error.context_id) is None:
            raise error
        context = self._contexts.get(context_id)
        if context is None or not context.is_open:
            self.counters.dropped_events += 1
            return []
        self.fail(context_id, error)
        return [(context_id, error.anew())]

    def _receive_unattributed(self, event: ErrorEvent, now: float) -> list[Delivery]:
        """Route an error that names no context: to the only one, or to all (protocol §2.11)."""
        self.counters.errors_without_context += 1
        open_ = [(key, context) for key, context in self._contexts.items() if context.is_open]
        if not open_ and self.draining_count(now):
            return []
        if len(open_) != 1:
            self.retired = error_from_fields(event.fields)
        return [self._receive(attrs.evolve(event, context_id=key), each) for key, each in open_]

"""
Many contexts over one stream of messages: what to send, what to deliver, what to drop.

No I/O and no clock: messages go in and come out as text, and time is an argument.
"""

from __future__ import annotations

import attrs

from trio_cartesia._errors import CartesiaError, LocalProtocolError, RemoteProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.tts.context_ids import ContextIds
from trio_cartesia._protocol.tts.context_states import End, State, Trigger, advance
from trio_cartesia._protocol.tts.contexts import Entry
from trio_cartesia._protocol.tts.counters import Counters
from trio_cartesia._protocol.tts.decoder import read_event
from trio_cartesia._protocol.tts.encoder import write_cancel, write_input, write_settings
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.messages import (
    CancelRequest,
    Chunk,
    Done,
    ErrorEvent,
    Event,
    FlushDone,
    GenerationRequest,
    Received,
    UnknownEvent,
)
from trio_cartesia._protocol.tts.outbox import Outbox, Outgoing, Status
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.tombstones import Tombstones

__all__ = ["Delivery", "SpeechProtocol"]

Delivery = tuple[str, Event | CartesiaError]  # to which context, and what


@attrs.define(eq=False)
class SpeechProtocol:
    """
    The client's side of one TTS WebSocket.

    Attributes:
        voice_as_object: True for API versions before 2026-08-14 (protocol §1.2).
        segments: The segment that each open context is in, where it is not the first.
        retired: The error that says that no more contexts can be carried, if one came.
    """

    _ids: ContextIds
    voice_as_object: bool = False
    retired: CartesiaError | None = attrs.field(default=None, init=False)
    counters: Counters = attrs.field(factory=Counters, init=False)
    _entries: dict[str, Entry] = attrs.field(factory=dict, init=False)
    segments: dict[str, int] = attrs.field(factory=dict, init=False)
    _tombstones: Tombstones = attrs.field(factory=Tombstones, init=False)
    _outbox: Outbox = attrs.field(factory=Outbox, init=False)

    def open(self, settings: ContextSettings, context_id: str | None = None) -> str:
        """
        Register a context and return its id; nothing is sent yet.

        Raises:
            LocalProtocolError: The id cannot be one, or was used on this connection before.
        """
        context_id = self._ids.make() if context_id is None else self._ids.claim(context_id)
        if context_id in self._entries or context_id in self._tombstones:
            raise LocalProtocolError("the context id is in use", context_id=context_id)
        common = write_settings(settings, voice_as_object=self.voice_as_object)
        self._entries[context_id] = Entry(settings=settings, common=common)
        self.counters.contexts_opened += 1
        return context_id

    def entry(self, context_id: str) -> Entry:
        """Return what is known of a registered context."""
        return self._entries[context_id]

    def queue_input(
        self,
        context_id: str,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Outgoing:
        """
        Queue an input; empty text comes with *flush* or *last* only (protocol §2.6).

        Raises:
            LocalProtocolError: The text is not fit to be sent, or the context takes no more.
            CartesiaError: The service ended the context first, or it failed.
        """
        entry = self._entries[context_id]
        checks.transcript(transcript, context_id, may_be_empty=flush or last)
        entry.check_takes_input(context_id, transcript)
        if flush and entry.state is State.NEW and not any(each.transcript for each in entry.queued):
            raise LocalProtocolError("nothing was pushed to flush", context_id=context_id)
        request = GenerationRequest(
            settings=entry.settings,
            context_id=context_id,
            transcript=transcript,
            continue_=not last,
            flush=flush,
            generation_config=generation_config,
        )
        outgoing = self._outbox.add(request, write_input(request, entry.common))
        entry.queued[outgoing] = None
        return outgoing

    def withdraw(self, outgoing: Outgoing) -> None:
        """Take a message back, if the writer has not taken it."""
        if outgoing.status is Status.QUEUED:
            self._outbox.drop(outgoing)
            del self._entries[outgoing.context_id].queued[outgoing]

    def cancel(self, context_id: str) -> bool:
        """
        Drop what is queued of a context, and queue one cancel if the service knows of it.

        Returns:
            False if the context had ended before, so that there was nothing to do.
        """
        entry = self._entries[context_id]
        self._outbox.drop_inputs(entry.queued)
        if entry.end is not None:
            return False
        known = entry.is_open
        entry.state = advance(entry.state, Trigger.CANCEL)
        entry.end = End.CANCELLED
        if known:
            self._outbox.add(CancelRequest(context_id=context_id), write_cancel(context_id))
        return True

    def fail(self, context_id: str, error: Exception) -> None:
        """Cancel a context for a reason that is not the service's; a later input meets *error*."""
        if self.cancel(context_id):
            entry = self._entries[context_id]
            entry.failure, entry.end = error, End.FAILED

    def retire(self, context_id: str, now: float) -> None:
        """Forget a context whose block was left, cancelling it where it had not ended."""
        self.cancel(context_id)
        entry = self._entries.pop(context_id)
        self.segments.pop(context_id, None)
        if entry.state is State.DRAINING:
            self._tombstones.prune(now)
            self._tombstones.add(context_id, now)

    def lose(self) -> None:
        """End every context: the connection is gone."""
        for entry in self._entries.values():
            self._outbox.drop_inputs(entry.queued)
            if entry.state is not State.CLOSED:
                entry.state = advance(entry.state, Trigger.LOSE)
                entry.end = entry.end or End.LOST
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
        entry = self._entries[outgoing.context_id]
        del entry.queued[outgoing]
        if entry.state is State.NEW and not outgoing.transcript:  # what was before it is withdrawn
            outgoing.text = None
            if not outgoing.is_last:
                return outgoing
            entry.end = End.DONE
        entry.state = advance(entry.state, Trigger.SEND_LAST if outgoing.is_last else Trigger.SEND)
        entry.unspoken.add(outgoing.transcript)
        return outgoing

    def sent(self, outgoing: Outgoing) -> None:
        """Note that a message is on the wire, or needs not be."""
        outgoing.status = Status.SENT
        self.counters.requests_sent += outgoing.text is not None

    def receive(self, text: str | bytes, now: float) -> list[Delivery]:
        """
        Read one message and say what goes to which context.

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
        entry = self._entries.get(event.context_id or "")
        if entry is None or not entry.is_open:
            self._receive_late(event, entry, now)
            return []
        return [self._receive(event, entry)]

    def receive_chunk(self, chunk: Chunk, now: float) -> bool:
        """Take a chunk that was read elsewhere; True if its context is to have it."""
        counters = self.counters
        counters.events_received += 1
        counters.audio_bytes_received += len(chunk.audio)
        entry = self._entries.get(chunk.context_id)
        if entry is None or not entry.is_open:
            self._receive_late(chunk, entry, now)
            return False
        if chunk.audio:
            entry.unspoken.clear()
        return True

    def draining_count(self, now: float) -> int:
        """Return how many cancelled contexts the service has not ended yet."""
        self._tombstones.prune(now)
        draining = sum(entry.state is State.DRAINING for entry in self._entries.values())
        return draining + len(self._tombstones)

    def open_count(self) -> int:
        """Return how many contexts are registered and have not ended."""
        return sum(entry.end is None for entry in self._entries.values())

    def _receive(self, event: Received, entry: Entry) -> Delivery:
        assert event.context_id is not None
        if isinstance(event, ErrorEvent):
            entry.state = advance(entry.state, Trigger.RECEIVE_ERROR)
            entry.end = End.FAILED
            entry.failure = error_from_fields(event.fields, context_id=event.context_id)
            self._outbox.drop_inputs(entry.queued)
            return event.context_id, entry.failure.anew()
        if isinstance(event, Done):
            self._receive_done(entry)
        elif isinstance(event, FlushDone):
            self.segments[event.context_id] = event.segment + 1
        return event.context_id, event

    def _receive_done(self, entry: Entry) -> None:
        for outgoing in entry.queued:
            entry.unspoken.add(outgoing.transcript)
        was_sent_whole = entry.state is State.HALF_CLOSED
        all_was_said = entry.is_ending and not entry.unspoken.has_words()
        entry.end = End.DONE if was_sent_whole or all_was_said else End.EXPIRED
        entry.state = advance(entry.state, Trigger.RECEIVE_DONE)
        self._outbox.drop_inputs(entry.queued)

    def _receive_late(self, event: Received, entry: Entry | None, now: float) -> None:
        context_id = event.context_id
        self._tombstones.prune(now)
        if entry is None and (context_id is None or context_id not in self._tombstones):
            self.counters.stray_events += 1
        else:
            self.counters.dropped_events += 1
            self.counters.dropped_audio_bytes += len(event.audio) if isinstance(event, Chunk) else 0
        if context_id is None or not isinstance(event, (Done, ErrorEvent)):
            return
        self._tombstones.remove(context_id)
        if entry is not None and entry.state is State.DRAINING:
            entry.state = advance(entry.state, Trigger.RECEIVE_DONE)
        self._outbox.drop_cancel(context_id)  # none follows a terminal event (protocol §2.9)

    def _receive_malformed(self, error: RemoteProtocolError) -> list[Delivery]:
        context_id = error.context_id
        if context_id is None:
            raise error
        entry = self._entries.get(context_id)
        if entry is None or not entry.is_open:
            self.counters.dropped_events += 1
            return []
        self.fail(context_id, error)
        return [(context_id, error.anew())]

    def _receive_unattributed(self, event: ErrorEvent, now: float) -> list[Delivery]:
        """Route an error that names no context: to the only one, or to all (protocol §2.11)."""
        self.counters.errors_without_context += 1
        open_ids = [key for key, entry in self._entries.items() if entry.is_open]
        if not open_ids and self.draining_count(now):
            return []
        if len(open_ids) != 1:
            self.retired = error_from_fields(event.fields)
        return [
            self._receive(attrs.evolve(event, context_id=key), self._entries[key])
            for key in open_ids
        ]

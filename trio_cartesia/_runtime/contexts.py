"""The contexts of one connection: `SpeechProtocol` decides, and an inbox each takes its events."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.context_states import End
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.messages import Chunk, Done, Event
from trio_cartesia._protocol.tts.outbox import Outgoing, Status
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.observer import ConnectionObserver
from trio_cartesia._runtime.pace import Pace
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.stalls import StallWatch
from trio_cartesia._runtime.transport.interface import Outcome

__all__ = ["ContextTable"]

_log: Final = logging.getLogger("trio_cartesia.connection")

_DELIVERED: Final = Outcome.DELIVERED  # looked up once: members of an Enum are slow to find


@attrs.define(eq=False)
class ContextTable:
    """A `SessionHandler`: routes events to contexts, and queues what contexts send.

    Attributes:
        protocol: Decides what is sent, delivered and dropped.
        waiting: Bytes in all inboxes.
        pace: How far reading may get ahead.
    """

    protocol: SpeechProtocol
    waiting: ByteCounter = attrs.field(factory=ByteCounter, init=False)
    pace: Pace = attrs.field(init=False)
    run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    stalls: StallWatch = attrs.field(init=False, repr=False)
    _session: Session | None = attrs.field(default=None, init=False)
    _observer: ConnectionObserver | None = attrs.field(default=None, init=False)
    _entries: dict[str, ContextEntry] = attrs.field(factory=dict, init=False)
    _full: Inbox[Event] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.pace = Pace(self.waiting)
        self.stalls = StallWatch(self._entries)

    @property
    def session(self) -> Session:
        """The session that carries the contexts' messages."""
        assert self._session is not None
        return self._session

    def attach(self, session: Session, observer: ConnectionObserver | None = None) -> None:
        """Use *session*, once it is open; *observer* watches it."""
        self._session, self._observer = session, observer
        session.start_soon(partial(self.stalls.watch, lambda: self.is_blocked, self.fail))

    # -- for contexts

    @enable_ki_protection
    def open(
        self,
        settings: ContextSettings,
        context_id: str | None,
        inbox: Inbox[Event],
        *,
        is_fed: bool,
        stall_seconds: float,
    ) -> ContextEntry:
        """Register a context with its inbox; *is_fed*: a task of ours pushes its text."""
        self.session.raise_if_lost(context_id)
        context_id = self.protocol.open(settings, context_id)
        state, foreign = self.protocol.context(context_id), self.protocol.foreign_chunks
        entry = ContextEntry(context_id, state, inbox, is_fed, stall_seconds, foreign)
        self._entries[context_id] = entry
        if self._observer is not None:
            entry.on_release = self._observer.open_context(entry)
        return entry

    @enable_ki_protection
    def queue_input(
        self,
        entry: ContextEntry,
        transcript: str,
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Outgoing:
        """Queue an input; retiring the context withdraws it."""
        context_id, state = entry.context_id, entry.state
        self._check_block(entry)
        if state.end in (None, End.LOST):  # else a further input meets the context's own end
            self._raise_if_lost(entry, transcript)
        is_first = bool(transcript) and state.is_empty
        outgoing = self.protocol.queue_input(
            context_id,
            transcript,
            flush=flush,
            last=last,
            generation_config=generation_config,
        )
        if is_first:
            entry.pushed_at = trio.current_time()
        self.session.wake_writer()
        return outgoing

    async def wait_sent(self, entry: ContextEntry, outgoing: Outgoing) -> None:
        """Wait until an input is on the wire; if cancelled before, withdraw it."""
        state, withdrawn = entry.state, ""
        try:
            while outgoing.is_under_way and self.session.can_send and state.end is None:
                await entry.sent.park()
        finally:
            if self.protocol.withdraw(outgoing):
                withdrawn = outgoing.transcript
        if outgoing.status is not Status.SENT:
            self._explain_unsent(outgoing, entry, withdrawn)
        await trio.lowlevel.cancel_shielded_checkpoint()

    @enable_ki_protection
    def cancel(self, entry: ContextEntry) -> None:
        """Cancel a context: discard its queued events and end its receive loop."""
        self._check_block(entry)
        if self.protocol.cancel(entry.context_id):
            entry.inbox.discard()
            self._notice_end(entry)

    @enable_ki_protection
    def fail(self, entry: ContextEntry, error: Exception) -> None:
        """Cancel a context for *error*, which its receive loop raises after what waits."""
        self.protocol.fail(entry.context_id, error)
        entry.inbox.close(entry.described(error, self.session.request_id))
        self._notice_end(entry)

    @enable_ki_protection
    def retire(self, entry: ContextEntry) -> None:
        """Take a context off the connection; nothing is awaited."""
        self.release(entry)
        entry.inbox.discard(entry.block_has_ended())

    @enable_ki_protection
    def release(self, entry: ContextEntry, *, is_refused: bool = False) -> None:
        """Take a context off the connection, and leave its inbox as it is."""
        self.protocol.retire(entry.context_id, trio.current_time(), is_refused=is_refused)
        del self._entries[entry.context_id]
        self._notice_end(entry)
        if entry.on_release is not None:
            entry.on_release()

    def is_complete(self, entry: ContextEntry) -> bool:
        """Return whether all of a context's speech has been delivered, as far as can be known."""
        is_whole = entry.state.is_complete and not entry.inbox.has_dropped
        return is_whole and self.protocol.foreign_chunks == entry.foreign_chunks_before

    # -- for the session

    @property
    def is_blocked(self) -> bool:
        """True while an inbox that blocks is full."""
        return self._full is not None

    @property
    def queued_count(self) -> int:
        """Messages that wait for the writer."""
        return self.protocol.outgoing_count

    def receive_frame(
        self, data: bytearray, view: memoryview, start: int, stop: int, now: float
    ) -> int:
        """Deliver the event at *start* to *stop* of *data*."""
        protocol = self.protocol
        chunk = read_chunk(data, view, start, stop, protocol.segments)
        if chunk is None:
            try:
                text = str(view[start:stop], "utf-8")
            except UnicodeDecodeError:
                return Outcome.UNHANDLED
            self.receive_message(text, now)
        elif protocol.receive_chunk(chunk, now):
            self._deliver(chunk.context_id, chunk, 0, now)
        return _DELIVERED if self._full is None else Outcome.BLOCKED

    def receive_message(self, message: str | bytes, now: float) -> None:
        """Deliver an event."""
        for context_id, item in self.protocol.receive(message, now):
            self._deliver(context_id, item, len(message), now)
        if (refused := self.protocol.retired) is not None:
            raise ConnectionLost("the service refused the connection") from refused

    async def wait_unblocked(self) -> None:
        """Return once the inbox that blocks has room again."""
        try:
            while (full := self._full) is not None:
                await full.wait_room()
                self._full = None
        finally:
            self._full = None

    def next_message(self) -> Outgoing | None:
        """Return the next message to be sent."""
        message = self.protocol.next_outgoing()
        if message is not None and message.payload is None and message.is_last:
            entry = self._entries[message.context_id]  # of a context that never began
            entry.inbox.put(Done(context_id=message.context_id), 0)
            entry.inbox.close()  # now: a loss while the batch is sent comes later
            self._notice_end(entry)
        return message

    def note_sent(self, message: Outgoing) -> None:
        """Wake the context whose message is on the wire."""
        self.protocol.sent(message)
        if (entry := self._entries.get(message.context_id)) is None:
            return
        entry.active_at = now = trio.current_time()
        if message.payload is not None and entry.sent_at is None:
            entry.sent_at = now
        entry.sent.unpark_all()
        self.stalls.expect(entry.stall_deadline)

    def note_write_failure(self) -> None:
        """Wake everybody who waits for a message to be sent."""
        for entry in self._entries.values():
            entry.sent.unpark_all()

    def lose(self, loss: ConnectionLost) -> None:
        """End every context with a copy of *loss*, after the events that have arrived."""
        self.protocol.lose()
        for entry in list(self._entries.values()):  # an inbox may take its context elsewhere
            lost = self.session.loss_for(loss, entry.context_id)
            entry.inbox.close(entry.described(lost, self.session.request_id))
            self._notice_end(entry)

    # -- inside

    def _check_block(self, entry: ContextEntry) -> None:
        if entry.context_id not in self._entries:
            raise entry.block_has_ended()

    def _deliver(
        self, context_id: str, item: Event | CartesiaError, characters: int, now: float
    ) -> None:
        """Put an event, or an error, where it belongs."""
        entry = self._entries[context_id]
        entry.active_at = now
        inbox = entry.inbox
        if type(item) is not Chunk and isinstance(item, CartesiaError):
            inbox.close(entry.described(entry.state.failure or item, self.session.request_id))
            self._notice_end(entry)
        elif not inbox.put(item, characters):
            _log.debug("context %s outgrew its inbox", context_id)
            self.fail(entry, entry.overflow(item))
        elif type(item) is Done:
            expired = entry.is_fed and entry.state.end is End.EXPIRED
            inbox.close(entry.state.expiry(context_id) if expired else None)
            self._notice_end(entry)
        elif inbox.blocks and inbox.is_full:
            self._full = inbox

    def _notice_end(self, entry: ContextEntry) -> None:
        if entry.ended_at is None:
            entry.ended_at = trio.current_time()
        entry.sent.unpark_all()
        self.session.wake_writer()

    def _raise_if_lost(self, entry: ContextEntry, transcript: str) -> None:
        """Raise `ConnectionLost` if the connection has ended, with *transcript* as not spoken."""
        try:
            self.session.raise_if_lost(entry.context_id)
        except ConnectionLost as lost:
            lost.unspoken = entry.state.unspoken_texts(transcript)
            raise

    def _explain_unsent(self, outgoing: Outgoing, entry: ContextEntry, withdrawn: str) -> None:
        """Raise why an input was dropped, unless there was no need for it any more.

        Its text, if it was *withdrawn*, is not among those that were not spoken yet.
        """
        state = entry.state
        if outgoing.status is Status.TAKEN and state.end not in (None, End.LOST):
            return  # it counts as sent; that the context has ended is for the next call to say
        self._check_block(entry)
        if state.end in (None, End.LOST):
            self._raise_if_lost(entry, withdrawn)
        if not (outgoing.is_last and state.end is End.DONE):
            state.check_takes_input(entry.context_id, withdrawn)

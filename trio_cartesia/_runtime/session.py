"""
The service task: it owns the transport, and reads and writes.

Everything that decides is `SpeechProtocol`; this moves messages between it, the transport and the
inboxes. What callers do with a context comes in through the methods of `Service`, none of which
touches the transport.
"""

from __future__ import annotations

import logging
from typing import Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._protocol.tts.context_states import End
from trio_cartesia._protocol.tts.contexts import Entry
from trio_cartesia._protocol.tts.formats import GenerationConfig
from trio_cartesia._protocol.tts.messages import Chunk, Done, Event
from trio_cartesia._protocol.tts.outbox import Outgoing, Status
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.line import Line, block_has_ended, identified, overflow
from trio_cartesia._runtime.reader import Reader
from trio_cartesia._runtime.transport.websocket import Transport
from trio_cartesia._runtime.waking import Waker
from trio_cartesia._runtime.writer import Writer

__all__ = ["LAST_WORDS_SECONDS", "Service"]

LAST_WORDS_SECONDS: Final = 2.0  # for reading on when the peer takes nothing more

_log: Final = logging.getLogger("trio_cartesia.connection")


@attrs.define(eq=False)
class Service:
    """
    The state of one connection, shared by its tasks and its contexts.

    Attributes:
        protocol: What decides.
        loss: Why the connection has ended, if it has.
        waiting: Bytes in all inboxes.
        goodbye: The scope in which the connection is closed.
    """

    protocol: SpeechProtocol
    transport: Transport
    _scope: trio.CancelScope
    loss: ConnectionLost | None = attrs.field(default=None, init=False)
    _deafness: ConnectionLost | None = attrs.field(
        default=None, init=False
    )  # the peer takes nothing more
    waiting: ByteCounter = attrs.field(factory=ByteCounter, init=False)
    goodbye: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _is_closing: bool = attrs.field(default=False, init=False)
    _lines: dict[str, Line] = attrs.field(factory=dict, init=False)
    _waker: Waker = attrs.field(factory=Waker, init=False)
    _reader: Reader = attrs.field(init=False)
    _writer: Writer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(self.protocol, self.transport, self._note_sent)
        self._reader = Reader(self.protocol, self._deliver, self.lose, self._waker, self.waiting)
        self.transport.open_lane(self._reader)

    @property
    def received_at(self) -> float:
        """When the last message came, on Trio's clock."""
        return self._reader.received_at

    @property
    def sent_at(self) -> float:
        """When the last message went, likewise."""
        return self._writer.sent_at

    @property
    def writing_since(self) -> float | None:
        """Since when messages have been on their way, if some are."""
        return self._writer.writing_since

    @property
    def is_stalled(self) -> bool:
        """True while the reader waits for an inbox that blocks."""
        return self._reader.is_stalled

    # -- for contexts

    @enable_ki_protection
    def open(
        self,
        settings: ContextSettings,
        context_id: str | None,
        *,
        inbox_bytes: int,
        blocks: bool,
        is_fed: bool,
    ) -> tuple[str, Inbox]:
        """Register a context, and make its inbox; *is_fed*: a task of ours pushes its text."""
        self.raise_if_lost(context_id)
        context_id = self.protocol.open(settings, context_id)
        inbox = Inbox(inbox_bytes, blocks, self.waiting, self._waker)
        self._lines[context_id] = Line(inbox, is_fed)
        return context_id, inbox

    def entry(self, context_id: str) -> Entry:
        """Return what the protocol knows of a context whose block has not ended."""
        if context_id not in self._lines:
            raise block_has_ended(context_id)
        return self.protocol.entry(context_id)

    async def send_input(
        self,
        context_id: str,
        transcript: str,
        *,
        flush: bool,
        last: bool,
        generation_config: GenerationConfig | None,
    ) -> None:
        """Queue an input and wait until it is on the wire; if cancelled before, withdraw it."""
        entry = self.entry(context_id)
        if entry.end in (None, End.LOST):  # else a further input meets the context's own end
            self.raise_if_lost(context_id)
        outgoing = self.protocol.queue_input(
            context_id,
            transcript,
            flush=flush,
            last=last,
            generation_config=generation_config,
        )
        self._writer.wake()
        sent = self._lines[context_id].sent
        try:
            while outgoing.is_under_way and not self._is_deaf and entry.end is None:
                await sent.park()
        finally:
            self.protocol.withdraw(outgoing)
        if outgoing.status is not Status.SENT:
            self._explain_unsent(outgoing, entry)
        await trio.lowlevel.cancel_shielded_checkpoint()

    @enable_ki_protection
    def cancel(self, context_id: str) -> None:
        """Stop a context: what waits in its inbox goes, and its receive loop ends."""
        self.entry(context_id)
        if self.protocol.cancel(context_id):
            self._lines[context_id].inbox.discard()
            self._notice(context_id)

    @enable_ki_protection
    def fail(self, context_id: str, error: Exception) -> None:
        """Stop a context for *error*, which its receive loop raises after what waits."""
        self.protocol.fail(context_id, error)
        self._lines[context_id].inbox.close(error)
        self._notice(context_id)

    @enable_ki_protection
    def retire(self, context_id: str) -> None:
        """Take a context off the connection; nothing is awaited."""
        self.protocol.retire(context_id, trio.current_time())
        line = self._lines.pop(context_id)
        line.inbox.discard(block_has_ended(context_id))
        line.sent.unpark_all()
        self._writer.wake()

    def raise_if_lost(self, context_id: str | None = None) -> None:
        """Raise `ConnectionLost` if the connection has ended."""
        if (loss := self.loss or self._deafness) is not None:
            raise self._loss_for(loss, context_id) from loss.__cause__

    # -- the tasks

    async def read(self) -> None:
        """Hear the service until the connection has ended."""
        await self._reader.read(self.transport)

    @enable_ki_protection
    async def write(self) -> None:
        """Send what is queued; when the peer takes nothing more, leave it at that."""
        try:
            await self._writer.write()
        except ConnectionLost as error:
            self._go_on_reading(error)

    @enable_ki_protection
    def lose(self, error: CartesiaError) -> None:
        """End the connection for everybody; the first loss is kept."""
        if self.loss is not None:
            return
        if self._is_closing:
            error = ConnectionLost("the connection's block has ended")
        if not isinstance(error, ConnectionLost):
            lost = ConnectionLost(f"the connection was given up: {error.message}")
            lost.__cause__ = error
            error = lost
        error.request_id = error.request_id or self.transport.request_id
        self.loss = error
        self.protocol.lose()
        _log.debug("connection lost: %s", error)
        for context_id, line in self._lines.items():
            line.inbox.close(self._loss_for(error, context_id))
            line.sent.unpark_all()
        self._writer.give_up()
        if not self._is_closing:  # else the closing handshake is under way
            self._scope.cancel("the connection was lost")

    async def close_politely(self) -> None:
        """Let the writer finish, then close."""
        while self._writer.is_busy and not self._is_deaf:
            await self._writer.wait_written()
        if self.loss is None:
            self._is_closing = True
            await self.transport.aclose()

    @enable_ki_protection
    def end(self) -> None:
        """Stop the tasks; what is still open is lost."""
        self.lose(ConnectionLost("the connection's block has ended"))
        self._scope.cancel("the connection's block has ended")

    # -- inside

    def _note_sent(self, outgoing: Outgoing) -> None:
        context_id = outgoing.context_id
        self.protocol.sent(outgoing)
        line = self._lines.get(context_id)
        if line is None:
            return
        if outgoing.text is None and outgoing.is_last:  # the end of a context that never began
            line.inbox.put(Done(context_id=context_id), 0)
            line.inbox.close()
        line.sent.unpark_all()

    @property
    def _is_deaf(self) -> bool:
        """True once nothing can be said any more."""
        return self.loss is not None or self._deafness is not None

    def _go_on_reading(self, error: ConnectionLost) -> None:
        """Note that the peer takes nothing more; what it had sent is still heard, for a while."""
        self._deafness = error
        self._scope.deadline = trio.current_time() + LAST_WORDS_SECONDS
        for line in self._lines.values():
            line.sent.unpark_all()
        self._writer.give_up()

    def _deliver(
        self, context_id: str, item: Event | CartesiaError, characters: int
    ) -> Inbox | None:
        """Put an event, or an error, where it belongs; return an inbox that must be waited for."""
        inbox = self._lines[context_id].inbox
        if type(item) is not Chunk and isinstance(item, CartesiaError):
            entry = self.protocol.entry(context_id)
            inbox.close(identified(entry.failure or item, self.transport.request_id))
            self._notice(context_id)
        elif not inbox.put(item, characters):
            _log.debug("context %s outgrew its inbox", context_id)
            error = overflow(context_id, inbox)
            self.fail(context_id, identified(error, self.transport.request_id))
        elif type(item) is Done:
            inbox.close(self._expiry(context_id))
            self._notice(context_id)
        elif inbox.blocks and inbox.is_full:
            return inbox
        return None

    def _expiry(self, context_id: str) -> CartesiaError | None:
        """Return what the end means to a context that is fed: there was more to be said."""
        entry = self.protocol.entry(context_id)
        if self._lines[context_id].is_fed and entry.end is End.EXPIRED:
            return entry.expiry(context_id)
        return None

    def _notice(self, context_id: str) -> None:
        self._lines[context_id].sent.unpark_all()
        self._writer.wake()

    def _loss_for(self, loss: ConnectionLost, context_id: str | None) -> ConnectionLost:
        lost = identified(loss.anew(), self.transport.request_id)
        assert isinstance(lost, ConnectionLost)
        lost.context_id = context_id
        return lost

    def _explain_unsent(self, outgoing: Outgoing, entry: Entry) -> None:
        """Raise why an input was dropped, unless there was no need for it any more."""
        context_id = outgoing.context_id
        if outgoing.status is Status.TAKEN and entry.end not in (None, End.LOST):
            return  # it counts as sent; that the context has ended is for the next call to say
        if context_id not in self._lines:
            raise block_has_ended(context_id)
        if entry.end in (None, End.LOST):
            self.raise_if_lost(context_id)
        if not (outgoing.is_last and entry.end is End.DONE):
            entry.check_takes_input(context_id)  # its text is among what was not spoken already

"""One session's stream of events: `TranscriptProtocol` decides, and one inbox takes them."""

from __future__ import annotations

import logging
from typing import Final, Generic, TypeVar

import attrs
import trio
from trio.lowlevel import ParkingLot, enable_ki_protection

from trio_cartesia._errors import ConnectionLost, InboxOverflow, LocalProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.stt.messages import Received
from trio_cartesia._protocol.stt.outbox import Outgoing, Status
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._protocol.stt.session_states import State
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.pace import Pace
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.stt.observer import SessionObserver
from trio_cartesia._runtime.transport.interface import Outcome

__all__ = ["EventInbox", "TranscriptHandler", "was_closed"]

_log: Final = logging.getLogger("trio_cartesia.connection")

UNCONFIRMED: Final = "the service has not confirmed in time that all audio was transcribed"
NO_CLOSE_FRAME: Final = 1006  # stands for the lack of one (RFC 6455, section 7.4.1)

P = TypeVar("P", bound=TranscriptProtocol)


def was_closed(loss: ConnectionLost) -> bool:
    """Return whether the connection has ended with a close frame, as is meant to be."""
    return loss.close_code not in (None, NO_CLOSE_FRAME)


@attrs.define(eq=False)
class EventInbox(Inbox[Received]):
    """An inbox that raises the errors among its events, and goes on after each.

    Attributes:
        has_raised_loss: True once a caller has got the `ConnectionLost` that the session has ended
            with, in a receive loop or elsewhere.
    """

    has_raised_loss: bool = attrs.field(default=False, init=False)

    async def __anext__(self) -> Received:
        """Return the next event; raises as `Inbox`, and what the service reports."""
        try:
            event = await super().__anext__()
        except ConnectionLost:
            self.has_raised_loss = True
            raise
        if isinstance(event, ErrorEvent):
            raise error_from_fields(event.fields)
        return event


@attrs.define(eq=False)
class TranscriptHandler(Generic[P]):
    """A `SessionHandler`: queues audio and commands, and delivers events.

    If the inbox is full, its receive loop fails, and later events are dropped; the session goes on,
    because its text is not lost with them.

    Attributes:
        protocol: Decides what is sent, and what has come.
        inbox: Events that wait to be received.
        pace: How far reading may get ahead.
        changed: Where those wait who wait for an event or for the session's end.
        dropped_events: Events that the inbox had no space for.
        was_left: True once the session's block has ended.
        observer: Watches the session, or None.
        connections: The number of connections that were opened.
    """

    protocol: P
    inbox_bytes: int
    run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    pace: Pace = attrs.field(init=False)
    inbox: EventInbox = attrs.field(init=False)
    changed: ParkingLot = attrs.field(factory=ParkingLot, init=False, repr=False)
    dropped_events: int = attrs.field(default=0, init=False)
    was_left: bool = attrs.field(default=False, init=False)
    observer: SessionObserver | None = attrs.field(default=None, init=False)
    connections: int = attrs.field(default=0, init=False)
    _sent: ParkingLot = attrs.field(factory=ParkingLot, init=False, repr=False)
    _session: Session | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        waiting = ByteCounter()
        self.pace = Pace(waiting)
        self.inbox = EventInbox(self.inbox_bytes, False, waiting, self.run_check)

    @property
    def session(self) -> Session:
        """The session that carries the messages."""
        assert self._session is not None
        return self._session

    def attach(self, session: Session) -> None:
        """Use *session*, once it is open."""
        self._session = session
        self.connections += 1

    # -- for the public face

    @property
    def state(self) -> str:
        """The state of the session, for its statistics."""
        return self.protocol.state.value

    def check_sends(self) -> None:
        """Check that the session takes audio and commands.

        Raises:
            LocalProtocolError: Its block, or its audio, has ended.
            ConnectionLost: The connection has ended.
        """
        self.run_check.check()
        if self.was_left:
            raise LocalProtocolError("the session's block has ended")
        if self.protocol.is_closing:
            raise LocalProtocolError("the audio has ended: no_more_audio() was called")
        self.raise_if_lost()

    @property
    def loss(self) -> ConnectionLost | None:
        """Why nothing more can be sent, if that is so."""
        return self.session.loss or self.session.write_failure

    def raise_if_lost(self) -> None:
        """Raise `ConnectionLost`, with the text so far, if nothing more can be sent."""
        if (loss := self.loss) is not None:
            self.inbox.has_raised_loss = True
            raise self._described(loss)

    def raise_incomplete(self) -> None:
        """Raise `ConnectionLost`, with the text so far, unless all audio was transcribed."""
        if self.protocol.state is not State.DONE:
            raise self._described(self.loss or ConnectionLost(UNCONFIRMED))

    def can_add(self, size: int, *, is_patient: bool) -> bool:  # noqa: ARG002  # while reconnecting
        """Return whether *size* bytes of audio can be queued now, or only after a change.

        Args:
            size: Of the audio.
            is_patient: True if the audio can wait until there is a connection.
        """
        return True

    @enable_ki_protection
    def queue(self, payload: str | bytes) -> Outgoing:
        """Queue audio or a command; it may be on the wire when this returns."""
        outgoing = self.protocol.queue(payload)
        self.wake()
        return outgoing

    @enable_ki_protection
    def queue_close(self) -> Outgoing:
        """Queue the command that ends the audio."""
        outgoing = self.protocol.queue_close()
        self.wake()
        return outgoing

    def wake(self) -> None:
        """Have what was queued sent."""
        self.session.wake_writer()

    async def wait_sent(self, outgoing: Outgoing) -> None:
        """Wait until a message is on the wire; if cancelled before it was taken, withdraw it.

        Raises:
            ConnectionLost: The connection has ended first.
        """
        try:
            while outgoing.is_under_way and self.loss is None:
                await self._sent.park()
        finally:
            self.protocol.outbox.withdraw(outgoing)
        if outgoing.status is not Status.SENT:
            self.raise_if_lost()
        await trio.lowlevel.cancel_shielded_checkpoint()

    async def wait_over(self) -> None:
        """Return once nothing more is to come."""
        while not self.protocol.is_over:
            await self.changed.park()

    # -- for the session

    @property
    def is_blocked(self) -> bool:
        """False: a full inbox fails, and never blocks the reader."""
        return False

    @property
    def queued_count(self) -> int:
        """Messages that wait for the writer."""
        return len(self.protocol.outbox)

    def receive_frame(
        self,
        data: bytearray,  # noqa: ARG002  # the signature is given
        view: memoryview,
        start: int,
        stop: int,
        now: float,
    ) -> int:
        """Deliver the event at *start* to *stop* of a buffer."""
        try:
            text = str(view[start:stop], "utf-8")
        except UnicodeDecodeError:
            return Outcome.UNHANDLED
        self.receive_message(text, now)
        return Outcome.DELIVERED

    def receive_message(self, message: str | bytes, now: float) -> None:  # noqa: ARG002  # likewise
        """Deliver an event."""
        if (event := self.protocol.receive(message)) is not None:
            if self.observer is not None:
                self.observer.note_event(event.type)
            self.deliver(event, len(message))
        if self.protocol.is_over:
            self.inbox.close()
        self.changed.unpark_all()

    def deliver(self, event: Received, characters: int = 0) -> None:
        """Put an event into the inbox, whose message had so many *characters*."""
        if self.dropped_events or not self.inbox.put(event, characters):
            if not self.dropped_events:
                _log.debug("a session outgrew its inbox")
                held = f"more than {self.inbox_bytes} bytes of events wait to be received"
                request_id = None if self._session is None else self._session.request_id
                self.inbox.close(InboxOverflow(held, request_id=request_id))
            self.dropped_events += 1

    async def wait_unblocked(self) -> None:
        """Return at once: this never blocks the reader."""
        await trio.lowlevel.checkpoint()

    def next_message(self) -> Outgoing | None:
        """Return the next message to be sent."""
        return self.protocol.next_outgoing()

    def note_sent(self, message: Outgoing) -> None:
        """Wake the task whose message is on the wire."""
        self.protocol.sent(message)
        if self.observer is not None:
            self.observer.note_sent(message.payload)
        if self._sent:
            self._sent.unpark_all()
        if message.payload is None:  # answered, since there was nothing to send
            self.changed.unpark_all()

    def note_write_failure(self) -> None:
        """Wake everybody who waits for a message to be sent."""
        self._sent.unpark_all()

    def lose(self, loss: ConnectionLost) -> None:
        """End the session: as it was meant to end, or with *loss* after the events that came."""
        gap = self.protocol.lose(was_closed=was_closed(loss))
        if gap is not None:
            self.deliver(gap)
        is_done = self.protocol.state is State.DONE
        self.inbox.close(None if is_done else self._described(loss))
        self._sent.unpark_all()
        self.changed.unpark_all()

    def _described(self, loss: ConnectionLost) -> ConnectionLost:
        """Return a copy of *loss* with the text so far and the error that preceded it, if any."""
        lost = loss.anew()
        assert isinstance(lost, ConnectionLost)
        if self._session is not None:
            lost.request_id = lost.request_id or self._session.request_id
        lost.partial = self.protocol.partial
        if self.protocol.last_error is not None:
            lost.__cause__ = self.protocol.last_error
        return lost

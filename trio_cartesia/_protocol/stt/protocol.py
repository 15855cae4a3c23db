"""One session over a stream of messages: no I/O and no clock.

What both kinds of session share is here; each kind has its commands, and what its events mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from trio_cartesia._errors import CartesiaError, LocalProtocolError, RemoteProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent
from trio_cartesia._protocol.stt.decoder import read_event
from trio_cartesia._protocol.stt.messages import Received, TranscriptDone
from trio_cartesia._protocol.stt.outbox import Outbox, Outgoing, Status
from trio_cartesia._protocol.stt.session_states import TRANSITIONS, State, Trigger

__all__ = ["Counters", "TranscriptProtocol"]


@attrs.define
class Counters:
    """Running totals of one session.

    Attributes:
        audio_bytes_sent: Audio that was handed to the transport, silence included.
        commands_sent: Text messages, likewise.
        events_received: Messages that came, of every kind.
        unknown_events: Events of a type that this release does not know.
        errors_received: ``error`` events.
    """

    audio_bytes_sent: int = 0
    commands_sent: int = 0
    events_received: int = 0
    unknown_events: int = 0
    errors_received: int = 0


@attrs.define(eq=False)
class TranscriptProtocol(ABC):
    """The client's side of one STT WebSocket.

    Attributes:
        close_command: What asks the service to transcribe the rest and end the session.
        ends_with_connection: True if the session ends when the service closes the connection, and
            no ``done`` comes before.
        state: Where in its life the session is.
        last_error: The last event, if it was an error.
    """

    close_command: ClassVar[str]
    ends_with_connection: ClassVar[bool] = False

    state: State = attrs.field(default=State.OPEN, init=False)
    last_error: CartesiaError | None = attrs.field(default=None, init=False)
    counters: Counters = attrs.field(factory=Counters, init=False)
    outbox: Outbox = attrs.field(factory=Outbox, init=False)
    _close: Outgoing | None = attrs.field(default=None, init=False)

    @property
    @abstractmethod
    def partial(self) -> object:
        """The text so far, which errors carry."""

    @property
    def is_closing(self) -> bool:
        """True once ``close`` was queued."""
        return self._close is not None and not self._close.is_withdrawn

    @property
    def is_over(self) -> bool:
        """True once nothing more is to come."""
        return self.state in (State.DONE, State.LOST)

    # -- to the service

    def queue(self, payload: str | bytes) -> Outgoing:
        """Queue audio or a command.

        Raises:
            LocalProtocolError: ``close`` was queued before.
        """
        if self.is_closing:
            raise LocalProtocolError("the audio has ended: no_more_audio() was called")
        return self.outbox.add(payload)

    def queue_close(self) -> Outgoing:
        """Queue ``close``, or return it if it was queued before."""
        if self._close is None or self._close.is_withdrawn:
            self._close = self.outbox.add(self.close_command)
        return self._close

    def next_outgoing(self) -> Outgoing | None:
        """Take the next message: from here on it counts as sent."""
        outgoing = self.outbox.take()
        if outgoing is not None and outgoing is self._close:
            self._advance(Trigger.SEND_CLOSE)
        return outgoing

    def sent(self, outgoing: Outgoing) -> None:
        """Note that a message is on the wire."""
        outgoing.status = Status.SENT
        if isinstance(outgoing.payload, bytes):
            self.counters.audio_bytes_sent += len(outgoing.payload)
        elif outgoing.payload is not None:
            self.counters.commands_sent += 1

    # -- from the service

    def receive(self, message: str | bytes) -> Received:
        """Read one message.

        Raises:
            RemoteProtocolError: It cannot be read, or it ends a session that is not to end.
        """
        event = read_event(message)
        self.counters.events_received += 1
        self.last_error = None
        if isinstance(event, ErrorEvent):
            self.counters.errors_received += 1
            self.last_error = error_from_fields(event.fields)
        elif isinstance(event, UnknownEvent):
            self.counters.unknown_events += 1
        self._receive(event)
        if isinstance(event, TranscriptDone):
            self._advance(Trigger.RECEIVE_DONE)
            if self.state is State.LOST:
                raise RemoteProtocolError("the service ended the session, which was not closed")
        return event

    def lose(self, *, was_closed: bool) -> None:
        """Note that the connection has ended; *was_closed*: with a close frame."""
        self.outbox.drop_all()
        ends = was_closed and self.ends_with_connection
        self._advance(Trigger.END if ends else Trigger.LOSE)

    # -- for each kind

    @abstractmethod
    def _receive(self, event: Received) -> None:
        """Take in an event."""

    def _advance(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS[self.state, trigger]

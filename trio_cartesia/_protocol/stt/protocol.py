"""One session over a stream of messages: no I/O and no clock.

What both kinds of session share is here; each kind has its commands, and what its events mean.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import attrs

from trio_cartesia._errors import CartesiaError, LocalProtocolError, RemoteProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent, UnknownEvent
from trio_cartesia._protocol.stt.audio_log import AudioLog
from trio_cartesia._protocol.stt.decoder import read_event
from trio_cartesia._protocol.stt.messages import Gap, Received, TranscriptDone
from trio_cartesia._protocol.stt.outbox import Outbox, Outgoing, Status
from trio_cartesia._protocol.stt.session_states import TRANSITIONS, State, Trigger
from trio_cartesia._protocol.stt.settings import SessionSettings

__all__ = ["Counters", "Link", "TranscriptProtocol"]


class Link(enum.Enum):
    """How audio gets to the service."""

    LIVE = "live"  # through the outbox
    LOST = "lost"  # into the log, until there is another connection
    REPLAY = "replay"  # likewise, while the log is sent on a new connection


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
        has_positions: True if final text comes with what shows where its audio ends.
        log: The audio that another connection would need; None where there will be none.
        link: How audio gets to the service.
        is_ready: True once a connection that takes the place of another can be sent audio.
        has_cut_turn: True while the service has not found a turn again that a loss has cut.
        state: Where in its life the session is.
        last_error: The last event, if it was an error.
    """

    close_command: ClassVar[str]
    ends_with_connection: ClassVar[bool] = False
    has_positions: ClassVar[bool] = True

    log: AudioLog | None = attrs.field(default=None, init=False)
    link: Link = attrs.field(default=Link.LIVE, init=False)
    is_ready: bool = attrs.field(default=True, init=False)
    has_cut_turn: bool = attrs.field(default=False, init=False)
    state: State = attrs.field(default=State.OPEN, init=False)
    last_error: CartesiaError | None = attrs.field(default=None, init=False)
    counters: Counters = attrs.field(factory=Counters, init=False)
    outbox: Outbox = attrs.field(factory=Outbox, init=False)
    _close: Outgoing | None = attrs.field(default=None, init=False)
    _taken: list[Outgoing] = attrs.field(factory=list, init=False)  # by the writer, and not sent

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
        if self.link is Link.LIVE:
            return self.outbox.add(payload)
        outgoing = Outgoing(payload)
        self._keep(outgoing)
        return outgoing

    def queue_close(self) -> Outgoing:
        """Queue ``close``, or return it if it was queued before."""
        if self._close is None or self._close.is_withdrawn:
            self._close = Outgoing(self.close_command)
            if self.link is Link.LIVE:
                self.outbox.put(self._close)
            elif self.link is Link.LOST and self.is_covered:
                self._close.status = Status.SENT  # there is nothing left to transcribe
                self._advance(Trigger.SEND_CLOSE)
        return self._close

    def next_outgoing(self) -> Outgoing | None:
        """Take the next message: from here on it counts as sent."""
        outgoing = self.outbox.take()
        if outgoing is not None and outgoing is self._close:
            self._advance(Trigger.SEND_CLOSE)
        if outgoing is not None and self.log is not None:
            self._taken.append(outgoing)
            if isinstance(outgoing.payload, bytes):
                if self.link is Link.LIVE:
                    self.log.add(outgoing.payload)
                self.log.sent += len(outgoing.payload)
        return outgoing

    def sent(self, outgoing: Outgoing) -> None:
        """Note that a message is on the wire."""
        outgoing.status = Status.SENT
        if outgoing in self._taken:
            self._taken.remove(outgoing)
        if isinstance(outgoing.payload, bytes):
            self.counters.audio_bytes_sent += len(outgoing.payload)
        elif outgoing.payload is not None:
            self.counters.commands_sent += 1

    # -- from the service

    def receive(self, message: str | bytes) -> Received | None:
        """Read one message; return its event, or None if there is nothing to deliver.

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
        received = self._receive(event)
        if isinstance(event, TranscriptDone):
            self._advance(Trigger.RECEIVE_DONE)
            if self.state is State.LOST:
                raise RemoteProtocolError("the service ended the session, which was not closed")
        return received

    def is_ended_by(self, *, was_closed: bool) -> bool:
        """Return whether the session is over if its connection ends now.

        Args:
            was_closed: With a close frame.
        """
        if self.state is not State.DRAINING:
            return self.state is State.DONE
        return self.is_covered or (was_closed and self.ends_with_connection)

    def lose(self, *, was_closed: bool) -> Gap | None:
        """Note that the connection has ended, and that there will be no other.

        Returns:
            The audio that was not transcribed, if that is known.
        """
        self.outbox.drop_all()
        self.link = Link.LIVE
        ends = self.is_ended_by(was_closed=was_closed)
        self._advance(Trigger.END if ends else Trigger.LOSE)
        return None if ends or self.log is None else self.log.abandon()

    # -- where one connection takes the place of another

    def opening_settings(self, asked: SessionSettings) -> SessionSettings:
        """Return the settings that a connection opens with, where *asked* were asked for."""
        return asked

    @property
    def is_covered(self) -> bool:
        """True if there is final text of all audio, as far as that is known."""
        return self.log is not None and self.log.covered == self.log.end

    @property
    def is_silent(self) -> bool:
        """True if no text is to come of audio that the service has had for a while."""
        return False

    @property
    def is_needed(self) -> bool:
        """True if there is something to send that came after the connection was lost."""
        assert self.log is not None
        return self.log.sent < self.log.end or self.is_closing

    @property
    def next_stop(self) -> int:
        """The position up to which the log is sent before a command that waits."""
        assert self.log is not None
        return self.log.end

    @property
    def is_held_up(self) -> bool:
        """True while the log must not be sent further."""
        return False

    def suspend(self) -> None:
        """Note that the connection was lost, and that another will be opened.

        Audio counts as sent, since it is in the log. Commands are dropped, unless they are still
        needed: those wait until the log was sent.
        """
        was_live = self.link is Link.LIVE
        self._advance(Trigger.RECONNECT)
        self.link, self.last_error = Link.LOST, None
        taken, self._taken = self._taken, []
        for outgoing in taken:
            self._keep(outgoing, is_logged=True)
        for outgoing in self.outbox.take_all():
            self._keep(outgoing, is_logged=not was_live)

    def begin(self) -> Iterator[Received]:
        """Note that another connection is open, and yield the events that tell of it."""
        assert self.log is not None
        self.link = Link.REPLAY
        if (gap := self.log.begin()) is not None:
            yield gap

    def queue_waiting(self) -> bool:
        """Queue the command that waits for the log to be sent up to `next_stop`, if there is one.

        Returns:
            False if there is none.
        """
        return False

    def end_cut_turn(self) -> Received | None:
        """End a turn that the service did not find again, if there is one, and return its end."""
        return None

    def go_on(self) -> None:
        """Note that the log was sent."""
        self.link = Link.LIVE
        if self._close is not None and not self._close.is_withdrawn:
            self.outbox.put(self._close)

    def _keep(self, outgoing: Outgoing, *, is_logged: bool = False) -> None:
        """Keep a message for the next connection, if it is needed there."""
        if outgoing is self._close or self._is_needed(outgoing):
            outgoing.status = Status.QUEUED
            return
        outgoing.status = Status.SENT
        if isinstance(outgoing.payload, bytes) and not is_logged:
            assert self.log is not None
            self.log.add(outgoing.payload)

    # -- for each kind

    def _is_needed(self, outgoing: Outgoing) -> bool:  # noqa: ARG002  # for each kind to decide
        """Return whether a command is needed on the next connection."""
        return False

    @abstractmethod
    def _receive(self, event: Received) -> Received | None:
        """Take in an event, and return what is to be delivered."""

    def _advance(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS[self.state, trigger]

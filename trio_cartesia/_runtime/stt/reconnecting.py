"""A session over several connections, one after the other.

The handler keeps the session open when its connection is lost, and `Reconnector` opens the next
one. It sends the audio again that has no final text, at `REPLAY_SPEED`, and then the session goes
on as before.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._protocol.base.backoff import may_retry
from trio_cartesia._protocol.stt.audio_log import AudioLog
from trio_cartesia._protocol.stt.outbox import Outgoing
from trio_cartesia._protocol.stt.protocol import Link
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.stt.handler import P, TranscriptHandler, was_closed

__all__ = ["CONFIRM_SECONDS", "REPLAY_SPEED", "SILENCE_CHECK_SECONDS", "ReconnectingHandler"]

REPLAY_SPEED: Final = 8.0  # seconds of audio a second, of audio that is sent again
CONFIRM_SECONDS: Final = 2.0  # for ``connected``, and for a turn to start in audio that was sent
SILENCE_CHECK_SECONDS: Final = 5.0  # between checks that the audio so far is without a turn


@attrs.define(eq=False)
class ReconnectingHandler(TranscriptHandler[P]):
    """A handler whose session outlives its connection.

    Attributes:
        lost: Set once the present connection has ended.
        is_awaited: True if audio waits for the next connection, because it is not to push out other
            audio of the log.
    """

    lost: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)
    is_awaited: bool = attrs.field(default=False, init=False)
    _loss: ConnectionLost | None = attrs.field(default=None, init=False)  # of the session

    @property
    def log(self) -> AudioLog:
        """The audio that is kept."""
        assert self.protocol.log is not None
        return self.protocol.log

    @property
    def state(self) -> str:
        """The state of the session, for its statistics."""
        return "reconnecting" if self.is_reconnecting else super().state

    @property
    def is_reconnecting(self) -> bool:
        """True from the loss of a connection until the next one was sent the audio of the log."""
        return self.protocol.link is not Link.LIVE

    # -- for the public face

    @property
    def loss(self) -> ConnectionLost | None:
        """Why nothing more can be sent, once the session was given up."""
        return self._loss

    def can_add(self, size: int, *, is_patient: bool) -> bool:
        """Return whether *size* bytes of audio can be queued now, or only after a change.

        Audio that waits has the next connection opened, also after an idle one.
        """
        if self.protocol.link is not Link.LOST:
            return self.protocol.link is Link.LIVE or self.log.can_add(size)
        if self.loss is not None or not is_patient:
            return True
        if not self.is_awaited:
            self.is_awaited = True
            self.changed.unpark_all()
        return False

    def queue_close(self) -> Outgoing:
        """Queue the command that ends the audio; the session ends if there is nothing to send."""
        outgoing = super().queue_close()
        if self.protocol.link is Link.LOST and self.protocol.is_ended_by(was_closed=False):
            self.give_up(ConnectionLost("the session has ended without a connection"))
        return outgoing

    def wake(self) -> None:
        """Have what was queued sent, or a connection opened for it."""
        super().wake()
        if self.is_reconnecting:
            self.changed.unpark_all()

    # -- for the connection

    def begin(self) -> None:
        """Note that a connection is open, of which nothing was received yet."""
        self.lost, self.is_awaited = trio.Event(), False
        if self.connections:
            for event in self.protocol.begin():
                self.deliver(event)

    def lose(self, loss: ConnectionLost) -> None:
        """Note that the connection has ended; if that may end the session, it does."""
        protocol = self.protocol
        cause = loss.__cause__ = self._described(loss).__cause__
        is_final = isinstance(cause, CartesiaError) and not may_retry(cause)
        is_ended = protocol.is_ended_by(was_closed=was_closed(loss))
        if self.was_left or is_ended or is_final:
            self.give_up(loss)
        else:
            protocol.suspend()
            self._sent.unpark_all()
            self.changed.unpark_all()
        self.lost.set()

    def give_up(self, loss: ConnectionLost) -> None:
        """End the session: as it was meant to end, or with *loss*."""
        if self._loss is None:
            self._loss = loss
            super().lose(loss)

    # -- for the audio of the log

    @enable_ki_protection
    async def replay(self, session: Session, piece_bytes: int) -> None:
        """Send the audio of the log, and what waits for it, unless the connection is lost."""
        protocol = self.protocol
        with trio.move_on_after(CONFIRM_SECONDS):
            while not protocol.is_ready and session.loss is None:
                await self.changed.park()
        due_at = trio.current_time()
        while session.loss is None:
            if trio.current_time() < due_at:
                await trio.sleep_until(due_at)  # the connection may be lost meanwhile
            elif piece := self.log.next_piece(piece_bytes, protocol.next_stop):
                due_at += self.log.seconds(len(piece)) / REPLAY_SPEED
                await self._send_again(session, piece)
            elif protocol.queue_waiting():
                self.wake()
                while protocol.is_held_up and session.loss is None:
                    await self.changed.park()
            else:
                protocol.go_on()
                self.wake()
                self.changed.unpark_all()
                return

    @enable_ki_protection
    async def cover_silence(self, session: Session) -> None:
        """Drop audio from the log that the service has found no turn in.

        The answer to a ping shows that the service has the audio that was sent before.
        """
        with suppress(ConnectionLost):  # the reader finds out by itself
            while True:
                await trio.sleep(SILENCE_CHECK_SECONDS)
                position = self.log.sent
                if self.protocol.is_silent and self.log.covered < position:
                    await session.transport.ping()
                    await trio.sleep(CONFIRM_SECONDS)
                    if self.protocol.is_silent:
                        self.log.cover(position)

    async def end_cut_turn(self, session: Session) -> None:
        """End a turn that the new connection does not find again."""
        protocol = self.protocol
        with trio.move_on_after(CONFIRM_SECONDS):
            while protocol.has_cut_turn and session.loss is None:
                await self.changed.park()
        if session.loss is None and (end := protocol.end_cut_turn()) is not None:
            self.deliver(end)

    async def _send_again(self, session: Session, piece: bytes) -> None:
        outgoing = self.protocol.outbox.add(piece)
        session.wake_writer()
        while outgoing.is_under_way and session.loss is None:
            await self._sent.park()
        self.changed.unpark_all()  # there may be space for further audio

"""What a session with manual finalize has received (protocol §4.3).

A service may answer several ``finalize`` with as many ``flush_done`` or with fewer (protocol §7.2
S3). So one is on the wire at a time: the next is sent once the one before was answered, and only if
audio was sent in between. There is never a doubt which one an answer is for, and none is waited for
that may not come.

The final piece of an answer comes before ``flush_done``, or shortly after it (S1). So a request
that was answered without a piece takes the next one, if it comes within `GRACE_SECONDS`. One that
was not sent has no piece of its own, and takes none but that of the one before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import ClassVar, Final

import attrs

from trio_cartesia._errors import CartesiaError
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.stt.messages import (
    Received,
    Transcript,
    TranscriptDone,
    TranscriptFlushDone,
)
from trio_cartesia._protocol.stt.outbox import Outgoing
from trio_cartesia._protocol.stt.protocol import Link, TranscriptProtocol
from trio_cartesia._protocol.stt.session_states import State
from trio_cartesia._protocol.stt.session_text import SessionText, Transcription

__all__ = ["GRACE_SECONDS", "FinalizeRequest", "ManualProtocol"]

FINALIZE: Final = "finalize"
GRACE_SECONDS: Final = 0.3  # for a final piece that comes after its flush_done


@attrs.define(eq=False)
class FinalizeRequest:
    """One ``finalize``, from the moment it is on the wire.

    Attributes:
        outgoing: Its message.
        mark: The position up to which audio is to be transcribed, where audio is logged.
        start: The characters of final text before its first piece.
        end: The characters up to the end of its last one.
        has_piece: True once a final piece came that belongs to it.
        is_answered: True once the service has answered.
        is_released: True once nobody waits for it.
        error: What the service answered in place of ``flush_done``.
    """

    outgoing: Outgoing
    mark: int | None = None
    start: int = attrs.field(default=0, init=False)
    end: int = attrs.field(default=0, init=False)
    has_piece: bool = attrs.field(default=False, init=False)
    is_answered: bool = attrs.field(default=False, init=False)
    is_released: bool = attrs.field(default=False, init=False)
    error: CartesiaError | None = attrs.field(default=None, init=False)

    @property
    def is_needless(self) -> bool:
        """True if no audio was sent since the one before, so that the command was not sent."""
        return self.outgoing.payload is None


@attrs.define(eq=False)
class ManualProtocol(TranscriptProtocol):
    """The client's side of ``/stt/websocket``.

    Attributes:
        text: The text so far.
    """

    close_command: ClassVar[str] = "close"

    text: SessionText = attrs.field(factory=SessionText, init=False)
    _current: FinalizeRequest | None = attrs.field(default=None, init=False)
    _late: deque[FinalizeRequest] = attrs.field(factory=deque, init=False)  # answered, no piece
    _waiting: deque[FinalizeRequest] = attrs.field(factory=deque, init=False)  # for a connection
    _is_finalized: bool = attrs.field(default=False, init=False)  # all audio that was sent
    _has_text: bool = attrs.field(default=True, init=False)  # since the last command was sent
    _mark: int = attrs.field(default=0, init=False)  # of that command, where audio is logged

    @property
    def partial(self) -> Transcription:
        """The text so far, which errors carry."""
        return self.text.transcription

    @property
    def can_finalize(self) -> bool:
        """True while no request is under way."""
        return self._current is None

    def queue_finalize(self) -> FinalizeRequest:
        """Queue ``finalize``; no other may be under way.

        Without a connection, it waits until the next one was sent the audio so far.
        """
        assert self.can_finalize
        if self.log is None or self.link is Link.LIVE:
            self._current = FinalizeRequest(self.queue(FINALIZE))
            return self._current
        request = FinalizeRequest(Outgoing(FINALIZE), self.log.end)
        self._waiting.append(request)
        return request

    def release(self, request: FinalizeRequest) -> None:
        """Note that nobody waits for *request*; if it was sent, its answer is still due."""
        request.is_released = True
        self.outbox.withdraw(request.outgoing)
        if request in self._late:
            self._late.remove(request)
        elif request in self._waiting:
            self._waiting.remove(request)
        elif request is self._current and request.outgoing.is_withdrawn:
            self._current = None

    def note_silence(self, request: FinalizeRequest) -> None:
        """Note that no piece came for *request* within the grace."""
        if request in self._late:
            self._cover(request.mark)

    def text_of(self, request: FinalizeRequest) -> str:
        """Return the final text that belongs to *request*."""
        return self.text.between(request.start, request.end)

    def next_outgoing(self) -> Outgoing | None:
        """Take the next message; a command after which there is nothing new is not sent."""
        outgoing = super().next_outgoing()
        if outgoing is None or outgoing.payload == self.close_command:
            return outgoing
        if isinstance(outgoing.payload, bytes):
            self._is_finalized = False
            return outgoing
        if self.log is not None and self._current is not None:
            self._current.mark = self._mark = self.log.sent
        if self._is_finalized:
            outgoing.payload = None
            self._answer(None)
        else:
            self._is_finalized, self._has_text = True, False
        return outgoing

    def suspend(self) -> None:
        """Note that the connection was lost: requests without an answer wait for the next one."""
        super().suspend()
        lost = [*self._late, *([] if self._current is None else [self._current])]
        self._waiting.extendleft(request for request in reversed(lost) if not request.is_released)
        for request in lost:
            request.is_answered = False
        self._late.clear()
        self._current = None

    def begin(self) -> Iterator[Received]:
        """Note that another connection is open: nothing is to be finalized there yet."""
        self._is_finalized = self._has_text = True
        self.text.begin()
        return super().begin()

    @property
    def is_needed(self) -> bool:
        """True if there is something to send that came after the connection was lost."""
        return super().is_needed or bool(self._waiting)

    @property
    def next_stop(self) -> int:
        """The position up to which the log is sent before a request that waits."""
        mark = self._waiting[0].mark if self._waiting else None
        return super().next_stop if mark is None else mark

    @property
    def is_held_up(self) -> bool:
        """True until a request has its answer, which is for the audio before it alone."""
        return self._current is not None

    def queue_waiting(self) -> bool:
        """Queue the first request that waits; the log was sent up to its mark."""
        if not self._waiting:
            return False
        self._current = self._waiting.popleft()
        self._current.outgoing.payload = FINALIZE  # which the connection before may not have needed
        self.outbox.put(self._current.outgoing)
        return True

    def _is_needed(self, outgoing: Outgoing) -> bool:
        request = self._current
        if request is None or outgoing is not request.outgoing:
            return False
        if request.mark is None and self.log is not None:
            request.mark = self.log.end
        return True

    def _receive(self, event: Received) -> Received:
        if isinstance(event, Transcript):
            event = self._continued(event)
            self._add(event)
        elif isinstance(event, TranscriptFlushDone):
            self._answer(None)
        elif isinstance(event, ErrorEvent):
            self._answer(self.last_error)
        elif isinstance(event, TranscriptDone) and self.state is State.DRAINING:
            self._cover(None if self.log is None else self.log.sent)
        return event

    def _continued(self, piece: Transcript) -> Transcript:
        """Return *piece* as it continues the text and the audio of all connections."""
        if (text := self.text.continued(piece.text)) != piece.text:
            piece = attrs.evolve(piece, text=text)
        if self.log is None or not self.log.base or not piece.words:
            return piece
        shift = self.log.seconds(self.log.base)
        words = [
            attrs.evolve(word, start=word.start + shift, end=word.end + shift)
            for word in piece.words
        ]
        return attrs.evolve(piece, words=tuple(words))

    def _cover(self, position: int | None) -> None:
        if self.log is not None and position is not None:
            self.log.cover(position)

    def _cover_by(self, piece: Transcript, request: FinalizeRequest | None) -> None:
        """Note what audio a final piece is of: as it says, or else all before its request.

        A piece that neither says nor was asked for counts for all audio that was sent, unless it
        may be the answer to a command that nobody waits for. One that comes after an answer may be
        of later audio, where the service finalizes by itself.
        """
        log = self.log
        if log is None:
            return
        mark = log.sent if self._has_text else self._mark
        if request is not None and request.mark is not None:
            mark = request.mark
        ends = [log.size(word.end) for word in (piece.words or ())[-1:]]
        if piece.duration is not None:
            ends.append(log.covered + log.size(piece.duration))
        limit = log.sent if request is None or request.is_answered else mark
        log.cover(min(limit, max(ends, default=mark)))

    def _add(self, piece: Transcript) -> None:
        if not piece.is_final:
            self.text.interim = piece.text
            return
        start = self.text.characters
        self.text.add(piece.text)
        request = self._late.popleft() if self._late else self._sent
        while self._late and self._late[0].is_needless:  # it has no text but this one
            self._late.popleft()
        if request is not None:
            if not request.has_piece:
                request.has_piece, request.start = True, start
            request.end = self.text.characters
        self._cover_by(piece, request)
        self._has_text = True
        if request is not None and request.is_answered:
            self._cover(request.mark)

    def _answer(self, error: CartesiaError | None) -> None:
        if (request := self._sent) is None:
            return
        self._current = None
        request.is_answered, request.error = True, error
        if error is not None:
            return
        if request.has_piece:
            self._cover(request.mark)
        elif not (request.is_released or (request.is_needless and self._has_text)):
            self._late.append(request)

    @property
    def _sent(self) -> FinalizeRequest | None:
        """The request that is on the wire and was not answered."""
        request = self._current
        return None if request is None or request.outgoing.is_queued else request

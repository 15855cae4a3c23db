"""The public face of a session with manual finalize."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import attrs
import trio

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._errors import raise_kept
from trio_cartesia._protocol.stt.manual import GRACE_SECONDS, FinalizeRequest, ManualProtocol
from trio_cartesia._protocol.stt.messages import ManualFinalizeEvent
from trio_cartesia._protocol.stt.session_text import Transcription
from trio_cartesia._runtime.stt.session import TranscriptionSession
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics

__all__ = ["ManualFinalizeSession"]


@no_public_constructor("client.stt.manual_finalize.websocket()")
@attrs.define(eq=False, init=False)
class ManualFinalizeSession(TranscriptionSession[ManualProtocol]):
    """A session in which the client decides when audio is transcribed, as with push-to-talk.

    ``client.stt.manual_finalize.websocket()`` opens it (protocol §4.3). Leaving its block without
    an exception ends the audio, waits at most five seconds for the rest of the text, and closes the
    connection; an exception or a cancellation closes it at once. Its methods may be called from any
    task of the same Trio run.
    """

    _finalizing: trio.StrictFIFOLock = attrs.field(
        factory=trio.StrictFIFOLock, init=False, repr=False
    )

    @property
    def transcript(self) -> Transcription:
        """The text so far, also after the block."""
        return self._handler.protocol.text.transcription

    async def finalize(self) -> str:
        """Have all audio so far transcribed, and return the final text that this gives.

        It returns when the service has answered with ``flush_done`` and a final piece has come; if
        none has come, 0.3 seconds after the answer, with an empty text. A piece that comes later is
        in `transcript` alone. Several tasks may call it: each call sends its command once the one
        before was answered, and has an answer of its own, in the order of the calls. No command is
        sent if no audio was sent since the one before. If cancelled before its command was sent, it
        is withdrawn.

        Raises:
            LocalProtocolError: The audio has ended.
            RequestFailed: An ``error`` event came in place of the answer; a receive loop raises it,
                too.
            ConnectionLost: The connection has ended before the answer; its `partial` is the
                `transcript`.
        """
        handler, protocol = self._handler, self._handler.protocol
        handler.check_sends()
        async with self._finalizing:
            request = await self._queue_finalize()
            try:
                await handler.wait_sent(request.outgoing)
                await self._wait_answer(request)
            except BaseException:
                protocol.release(request)
                handler.changed.unpark_all()
                raise
        try:
            await self._wait_late_piece(request)
            while not (request.is_answered or protocol.is_over):  # the session has reconnected
                await self._wait_answer(request)
                await self._wait_late_piece(request)
        finally:
            protocol.release(request)
            handler.changed.unpark_all()
        if request.error is not None:
            raise_kept(request.error)
        return protocol.text_of(request)

    def receive(self) -> AsyncIterator[ManualFinalizeEvent]:
        """Return an asynchronous iterator of the events, until the session's end.

        Being cancelled loses no event. One task receives at a time. It need not be iterated:
        `finalize` and `transcript` have the text without it.

        The iterator raises these exceptions, each after the events before it:

        Raises:
            RequestFailed: The service sent an ``error`` event. The session goes on unless the
                connection ends, too, so the iterator may be used again.
            InboxOverflow: More than ``inbox_bytes`` of events were not received. Later events are
                dropped; `finalize` and `transcript` are not affected.
            ConnectionLost: The connection ended, with any close code, before all audio was
                transcribed; its `partial` is the `transcript`, and its cause the service's
                ``error`` event, if that came last.
            LocalProtocolError: Another task is receiving.
        """
        self._handler.run_check.check()
        return cast("AsyncIterator[ManualFinalizeEvent]", self._handler.inbox)

    def statistics(self) -> TranscriptionStatistics:
        """Return a snapshot of the session's counters and state."""
        return self._statistics(self._handler.protocol.text.kept_characters)

    async def _queue_finalize(self) -> FinalizeRequest:
        """Queue the command once no other is under way, of a call that was cancelled."""
        handler, protocol = self._handler, self._handler.protocol
        handler.check_sends()
        while not protocol.can_finalize:
            await handler.changed.park()
            handler.check_sends()
        request = protocol.queue_finalize()
        handler.wake()
        return request

    async def _wait_answer(self, request: FinalizeRequest) -> None:
        """Wait for the answer to *request*, or the end of the session."""
        handler, protocol = self._handler, self._handler.protocol
        while not (request.is_answered or protocol.is_over):
            await handler.changed.park()
        if not request.is_answered and not self.is_complete:
            handler.raise_if_lost()

    async def _wait_late_piece(self, request: FinalizeRequest) -> None:
        """Wait for a piece that comes after the answer, within the grace."""
        handler, protocol = self._handler, self._handler.protocol
        with trio.move_on_after(GRACE_SECONDS):
            while request.is_answered and not (
                request.has_piece or request.error or protocol.is_over
            ):
                await handler.changed.park()
        protocol.note_silence(request)

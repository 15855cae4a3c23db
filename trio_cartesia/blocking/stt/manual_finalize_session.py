"""`ManualFinalizeSession` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.stt.messages import ManualFinalizeEvent
from trio_cartesia._protocol.stt.session_text import Transcription
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.stt.audio_sender import Audio
from trio_cartesia._runtime.stt.manual import ManualFinalizeSession as AsyncManualFinalizeSession
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics
from trio_cartesia.blocking.block import Manager, MuteBlock
from trio_cartesia.blocking.stt.session_base import SessionBase

__all__ = ["ManualFinalizeSession"]


@no_public_constructor("client.stt.manual_finalize.websocket()")
@attrs.define(eq=False, init=False, repr=False)
class ManualFinalizeSession(SessionBase[AsyncManualFinalizeSession]):
    """A session in which the client decides when audio is transcribed, as with push-to-talk.

    ``client.stt.manual_finalize.websocket()`` opens it (protocol §4.3). Leaving its block without
    an exception ends the audio, waits at most five seconds for the rest of the text, and closes the
    connection; an exception closes it at once. Its methods may be called from any thread.
    """

    @property
    def transcript(self) -> Transcription:
        """The text so far, also after the block."""
        return self._portal.run_sync(lambda: self._inner.transcript)

    def finalize(self) -> str:
        """Have all audio so far transcribed, and return the final text that this gives.

        It returns when the service has answered with ``flush_done`` and a final piece has come; if
        none has come, 0.3 seconds after the answer, with an empty text. A piece that comes later is
        in `transcript` alone. Several threads may call it: each call sends its command once the one
        before was answered, and has an answer of its own, in the order of the calls. No command is
        sent if no audio was sent since the one before. If interrupted by Ctrl-C before its command
        was sent, it is withdrawn.

        Raises:
            LocalProtocolError: The audio has ended.
            RequestFailed: An ``error`` event came in place of the answer; a receive loop raises it,
                too.
            ConnectionLost: The connection has ended before the answer; its `partial` is the
                `transcript`.
        """
        return self._portal.run(self._inner.finalize)

    def receive(self) -> Iterator[ManualFinalizeEvent]:
        """Return an iterator of the events, until the session's end.

        An interrupt by Ctrl-C loses no event. One thread receives at a time. It need not be
        iterated: `finalize` and `transcript` have the text without it.

        The iterator raises these exceptions, each after the events before it:

        Raises:
            RequestFailed: The service sent an ``error`` event. The session goes on unless the
                connection ends, too, so the iterator may be used again.
            InboxOverflow: More than ``inbox_bytes`` of events were not received. Later events are
                dropped; `finalize` and `transcript` are not affected.
            ConnectionLost: The connection ended, with any close code, before all audio was
                transcribed; its `partial` is the `transcript`, and its cause the service's
                ``error`` event, if that came last.
            LocalProtocolError: Another thread is receiving.
        """
        self._portal.run_sync(self._inner.receive)
        return cast("Iterator[ManualFinalizeEvent]", self._events)

    def statistics(self) -> TranscriptionStatistics:
        """Return a snapshot of the session's counters and state."""
        return self._portal.run_sync(self._inner.statistics)

    @property
    def request_id(self) -> str | None:
        """The service's id of this session, or None; quote it in reports."""
        return self._portal.run_sync(lambda: self._inner.request_id)

    @property
    def is_complete(self) -> bool:
        """True once the service has confirmed that all audio before the end was transcribed."""
        return self._portal.run_sync(lambda: self._inner.is_complete)

    def send_audio(self, audio: Audio) -> None:
        """Send audio, and return once it is on the wire.

        It is sent as one binary message of whole samples; the rest of an incomplete one is kept for
        the next audio. About 100 ms at a time are recommended, at the pace of a microphone, because
        the service takes one second of audio a second (protocol §4.2). If interrupted by Ctrl-C
        before the writer has taken the message, all of it is withdrawn; after that it counts as
        sent. In both cases the session can still be used. While a session reconnects, audio is kept
        for the next connection, and counts as sent.

        Args:
            audio: Any length up to 1,048,576 bytes, also in the middle of a sample.

        Raises:
            LocalProtocolError: It is not bytes, or too large; the audio has ended, the session is
                muted, or another thread sends audio. Nothing was sent.
            ConnectionLost: The connection has ended; its `partial` is the text so far.
        """
        self._send(audio)

    def feed(self, chunks: Audio | Iterable[Audio], *, pace: Pace = "real_time") -> None:
        """Send all audio of an iterable, cut into pieces of 100 ms; the session goes on after it.

        While the session is muted, audio that is due is dropped. The iterator is not closed, since
        the caller owns it. If interrupted by Ctrl-C, audio that was taken from it and is not on the
        wire is dropped, less than a chunk and a piece.

        Args:
            chunks: An iterable of bytes of any length, or all bytes at once.
            pace: ``"real_time"``: each piece when its time has come, by Trio's clock; a source that
                falls behind catches up within a second. ``"as_fast_as_possible"``: as the
                connection takes it, which the service may not (protocol §7.2 S13); while a session
                reconnects, it waits. Not for a session with turns that reconnects.

        Raises:
            LocalProtocolError: As for `send_audio`, but not for its size; or the pace is not
                possible.
            ConnectionLost: As for `send_audio`.
            Exception: What the iterator raises.
        """
        self._feed(chunks, pace)

    def mute(self) -> Manager[None]:
        """Send silence at real time while the block runs, in place of audio.

        Without it, the service waits: it never detects the end of speech from a pause in sending,
        and closes the session after 180 seconds (protocol §1.8, §4.2). For each 100 ms that have
        passed, as much silence is sent. `send_audio` raises meanwhile, and `feed` drops audio.

        Raises:
            LocalProtocolError: The session is muted already, or its audio has ended.
            ConnectionLost: The connection has ended.
        """
        return MuteBlock(self._portal, self._inner.mute())

    def no_more_audio(self) -> None:
        """End the audio: the service transcribes the rest, and ends the session.

        The receive loop ends after the last event. An incomplete sample is dropped. Further calls
        do nothing. If interrupted by Ctrl-C before the command was sent, the session goes on.

        Raises:
            LocalProtocolError: The session's block has ended.
            ConnectionLost: The connection has ended before.
        """
        self._portal.run(self._inner.no_more_audio)

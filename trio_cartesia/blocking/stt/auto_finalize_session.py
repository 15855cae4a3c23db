"""`AutoFinalizeSession` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._protocol.stt.messages import AutoFinalizeEvent
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.stt.audio_sender import Audio
from trio_cartesia._runtime.stt.auto import AutoFinalizeSession as AsyncAutoFinalizeSession
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics
from trio_cartesia.blocking.block import Manager, MuteBlock
from trio_cartesia.blocking.stt.session_base import SessionBase
from trio_cartesia.blocking.stt.turn_receiver import TurnReceiver

__all__ = ["AutoFinalizeSession"]


@no_public_constructor("client.stt.auto_finalize.websocket()")
@attrs.define(eq=False, init=False, repr=False)
class AutoFinalizeSession(SessionBase[AsyncAutoFinalizeSession]):
    """A stream of audio in which the service finds the turns of the user, for voice agents.

    ``client.stt.auto_finalize.websocket()`` opens it (protocol §4.4). Leaving its block without an
    exception ends the audio, waits at most five seconds for the rest of the text, and closes the
    connection; an exception closes it at once.
    """

    def wait_connected(self) -> None:
        """Wait until the service has confirmed the session with ``connected``.

        Audio may be sent before (protocol §4.4); this is for a service that drops such audio.

        Raises:
            ConnectionLost: The connection has ended first; its cause is the service's ``error``
                event, if there was one.
        """
        self._portal.run(self._inner.wait_connected)

    def config(
        self,
        *,
        start_threshold: float | None = None,
        eager_end_threshold: float | None = None,
        end_threshold: float | None = None,
        end_timeout_ms: float | None = None,
    ) -> None:
        """Change when turns start and end, and return once the message is on the wire.

        What is None stays as it is. The service does not confirm a change; if it refuses one, it
        sends an ``error`` event, and its settings stay as they are (protocol §7.2 S7). If
        interrupted by Ctrl-C before the writer has taken the message, nothing changes.

        Args:
            start_threshold: A turn starts when the score that the user is speaking is above it; 0.5
                to 0.9.
            eager_end_threshold: An early end is announced below it; 0.3 to 0.8.
            end_threshold: The turn ends below it; 0.05 to 0.5.
            end_timeout_ms: The longest wait after the user stops, in milliseconds; 640 to 11200.

        Raises:
            LocalProtocolError: A value is out of its range, or with the values that were given
                before, start > eager_end > end does not hold; or the audio has ended. Nothing was
                sent.
            ConnectionLost: The connection has ended; its `partial` is the text of the last turn.
        """
        self._portal.run(
            self._inner.config,
            start_threshold=start_threshold,
            eager_end_threshold=eager_end_threshold,
            end_threshold=end_threshold,
            end_timeout_ms=end_timeout_ms,
        )

    def turns(self) -> TurnReceiver:
        """Return an iterator of the user's turns, until the session's end.

        A turn is returned at the moment it starts, for example to stop speaking. The next iteration
        receives the rest of the turn, whatever else waits for it, and returns the one after it. So
        a turn that is left early is skipped, and a turn that others wait for goes on.

        Events are received only while something waits for a turn or for a change of it. Until then
        they wait in the inbox, at most ``inbox_bytes`` of them.

        One thread receives at a time; a further call continues. Events that are not about turns are
        dropped.

        The iterator, and whatever waits for the current turn, raises these exceptions:

        Raises:
            RequestFailed: The service sent an ``error`` event. The session goes on unless the
                connection ends, too, so the iterator may be used again. An error of status 400 or
                above 499 that answers `no_more_audio`, after less than 0.3 seconds of audio and no
                turn, only says that there was no speech (protocol §4.4), and is counted alone.
            RemoteProtocolError: The service sent an event that may not come where it came; no more
                turns are received.
            InboxOverflow: More than ``inbox_bytes`` of events were not received.
            ConnectionLost: The connection has ended, with any close code, before `no_more_audio`,
                or after it and an ``error`` event that failed the session; its `partial` is the
                text of the last turn, and its cause that event, if it came last.
            LocalProtocolError: Another thread is receiving; or `receive` was called before.

        Example::

            from trio_cartesia.blocking import Cartesia

            settings = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}
            with (
                Cartesia() as client,
                client.stt.auto_finalize.websocket(**settings) as session,
            ):
                session.feed(bytes(32000))  # a second of silence
                session.no_more_audio()
                for turn in session.turns():
                    text = turn.end()
                    print(text)
        """
        return create(TurnReceiver, self._portal, self._portal.run_sync(self._inner.turns))

    def receive(self) -> Iterator[AutoFinalizeEvent]:
        """Return an iterator of the events, until the session's end.

        It takes the place of `turns`; the order of the events is not checked. An interrupt by
        Ctrl-C loses no event. One thread receives at a time.

        The iterator raises these exceptions, each after the events before it:

        Raises:
            RequestFailed: As by `turns`.
            InboxOverflow: As by `turns`.
            ConnectionLost: As by `turns`.
            LocalProtocolError: Another thread is receiving; or `turns` was called before.
        """
        self._portal.run_sync(self._inner.receive)
        return cast("Iterator[AutoFinalizeEvent]", self._events)

    def statistics(self) -> TranscriptionStatistics:
        """Return a snapshot of the session's counters and state.

        Of the text, only that of the last turn is kept, and is counted.
        """
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

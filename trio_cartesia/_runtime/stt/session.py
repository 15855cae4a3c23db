"""What the public faces of both kinds of session share."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from typing import Any, Final, Generic, TypeVar

import attrs
import trio

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._protocol.stt.audio_log import AudioLog
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._protocol.stt.session_states import State
from trio_cartesia._runtime.managers import Block, Manager
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.stt.audio_sender import Audio, AudioSender
from trio_cartesia._runtime.stt.handler import TranscriptHandler
from trio_cartesia._runtime.stt.statistics import TranscriptionStatistics

__all__ = ["DRAIN_SECONDS", "TranscriptionSession"]

DRAIN_SECONDS: Final = 5.0  # for the text of the last audio, when a block is left

P = TypeVar("P", bound=TranscriptProtocol)


@attrs.define(eq=False, init=False)
class TranscriptionSession(Generic[P]):
    """A stream of audio to the service, and the events with its text."""

    _handler: TranscriptHandler[P] = attrs.field(repr=False)
    _audio: AudioSender = attrs.field(repr=False)

    @property
    def request_id(self) -> str | None:
        """The service's id of this session, or None; quote it in reports."""
        return self._handler.session.request_id

    @property
    def is_complete(self) -> bool:
        """True once the service has confirmed that all audio before the end was transcribed."""
        return self._handler.protocol.state is State.DONE

    async def send_audio(self, audio: Audio) -> None:
        """Send audio, and return once it is on the wire.

        It is sent as one binary message of whole samples; the rest of an incomplete one is kept for
        the next audio. About 100 ms at a time are recommended, at the pace of a microphone, because
        the service takes one second of audio a second (protocol §4.2). If cancelled before the
        writer has taken the message, all of it is withdrawn; after that it counts as sent. In both
        cases the session can still be used. Where the socket takes audio at once, other tasks have
        their turn after one call in 16, whichever sessions they are of, rather than after each.
        While a session reconnects, audio is kept for the next connection, and counts as sent.

        Args:
            audio: Any length up to 1,048,576 bytes, also in the middle of a sample.

        Raises:
            LocalProtocolError: It is not bytes, or too large; the audio has ended, the session is
                muted, or another task sends audio. Nothing was sent.
            ConnectionLost: The connection has ended; its `partial` is the text so far.
        """
        await self._audio.send(audio)

    async def feed(
        self,
        chunks: Audio | Iterable[Audio] | AsyncIterable[Audio],
        *,
        pace: Pace = "real_time",
    ) -> None:
        """Send all audio of an iterable, cut into pieces of 100 ms; the session goes on after it.

        While the session is muted, audio that is due is dropped. The iterator is not closed, since
        the caller owns it. If cancelled, audio that was taken from it and is not on the wire is
        dropped, less than a chunk and a piece.

        Args:
            chunks: An iterable or asynchronous iterable of bytes of any length, or all bytes at
                once.
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
        await self._audio.feed(chunks, pace)

    def mute(self) -> Manager[None]:
        """Send silence at real time while the block runs, in place of audio.

        Without it, the service waits: it never detects the end of speech from a pause in sending,
        and closes the session after 180 seconds (protocol §1.8, §4.2). For each 100 ms that have
        passed, as much silence is sent. `send_audio` raises meanwhile, and `feed` drops audio.

        Raises:
            LocalProtocolError: The session is muted already, or its audio has ended.
            ConnectionLost: The connection has ended.
        """
        return Block(self._audio.mute(), "a mute (session.mute)")

    async def no_more_audio(self) -> None:
        """End the audio: the service transcribes the rest, and ends the session.

        The receive loop ends after the last event. An incomplete sample is dropped. Further calls
        do nothing. If cancelled before the command was sent, the session goes on.

        Raises:
            LocalProtocolError: The session's block has ended.
            ConnectionLost: The connection has ended before.
        """
        if not self._handler.protocol.is_closing:
            self._handler.check_sends()
        await trio.lowlevel.checkpoint_if_cancelled()
        outgoing = self._handler.queue_close()
        await self._handler.wait_sent(outgoing)

    def _statistics(self, transcript_characters: int) -> TranscriptionStatistics:
        """Return a snapshot of the session's counters and state."""
        handler = self._handler
        handler.run_check.check()
        protocol, session, inbox = handler.protocol, handler.session, handler.inbox
        counters: dict[str, Any] = attrs.asdict(protocol.counters)
        log = protocol.log or AudioLog(0, self._audio.input_format)
        return TranscriptionStatistics(
            state=handler.state,
            connections_opened=handler.connections,
            replay_buffer_bytes=log.kept_bytes,
            replay_limit_bytes=log.limit_bytes,
            gap_seconds=log.seconds(log.gap_bytes),
            audio_seconds_sent=self._audio.input_format.seconds(counters["audio_bytes_sent"]),
            audio_queue_bytes=protocol.outbox.audio_bytes,
            partial_sample_bytes=self._audio.partial_sample_bytes,
            muted_audio_bytes=self._audio.muted_bytes,
            dropped_events=handler.dropped_events,
            inbox_bytes=inbox.counter.held_bytes,
            inbox_peak_bytes=inbox.counter.peak_bytes,
            inbox_budget_bytes=inbox.budget_bytes,
            transcript_characters=transcript_characters,
            idle_seconds=trio.current_time() - max(session.received_at, session.sent_at),
            **counters,
        )

    async def _drain(self) -> None:
        """End the audio, and wait until nothing more is to come, within `DRAIN_SECONDS`.

        Raises:
            ConnectionLost: Not all audio was transcribed, and no caller knows it.
        """
        handler = self._handler
        is_known = handler.inbox.has_raised_loss
        with trio.move_on_after(DRAIN_SECONDS), suppress(ConnectionLost):
            if handler.loss is None and not handler.protocol.is_over:
                await self.no_more_audio()
            await handler.wait_over()
        await trio.lowlevel.checkpoint_if_cancelled()
        if not is_known:
            handler.raise_incomplete()

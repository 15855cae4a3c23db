"""The public face of one context."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.tts.formats import GenerationConfig, RawOutputFormat, value_from
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.speech import Speech, SpeechBuilder
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.inbox import Inbox
from trio_cartesia._runtime.piece_feed import PieceFeed
from trio_cartesia._runtime.receivers import AudioReceiver
from trio_cartesia._runtime.statistics import ContextStatistics

if TYPE_CHECKING:
    from trio_cartesia._runtime.playout.playout import Playout
    from trio_cartesia._runtime.playout.settings import Pace

__all__ = ["Context"]


@no_public_constructor("connection.context()")
@attrs.define(eq=False, init=False)
class Context:
    """One utterance: text that is sent to the service, and the events with its speech.

    `Connection.context` opens it (protocol §2.4). Leaving its block ends it: if the service has not
    ended it before, one cancel request is sent, and nothing is awaited for it.

    Attributes:
        context_id: Its id on the connection.
        settings: The settings of all its inputs.
    """

    context_id: str
    settings: ContextSettings
    _contexts: ContextTable = attrs.field(repr=False)
    _entry: ContextEntry = attrs.field(repr=False)
    _frames: WholeFrames = attrs.field(init=False, repr=False)
    _playout: Playout | None = attrs.field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._frames = WholeFrames(self.output_format.sample_format.bytes_per_frame)

    @property
    def output_format(self) -> RawOutputFormat:
        """The layout of its audio."""
        return self.settings.output_format

    async def push(
        self,
        transcript: str,
        *,
        generation_config: GenerationConfig | dict[str, object] | None = None,
    ) -> None:
        """Send the next piece of the text, and return once it is on the wire.

        The service joins pieces verbatim, so each has to contain its own spaces, and markup must be
        complete within one piece (protocol §2.6). If cancelled before the writer has taken the
        message, the piece is withdrawn; after that it counts as sent. In both cases the context can
        still be used.

        Args:
            transcript: A text that is not empty; `no_more_inputs` ends the text, and `flush` a
                segment.
            generation_config: Replaces that of the context for this piece; the service may refuse
                a change within a context (protocol §2.5).

        Raises:
            LocalProtocolError: The piece is empty, not a str or too large, the text has ended, or
                the context was cancelled. Nothing was sent.
            ContextExpired: The service has ended the context; `unspoken` has the texts that were
                not spoken, this piece included.
            ContextFailed: The context has failed; likewise.
            ConnectionLost: The connection has ended; likewise.
        """
        config = None
        if generation_config is not None:
            config = value_from(GenerationConfig, generation_config, "generation_config")
        await self._send(transcript, generation_config=config)

    async def flush(self) -> None:
        """End the segment: the service speaks all buffered text, then sends ``flush_done``.

        It is sent as a message of its own (protocol §2.7). If cancelled, see `push`.

        Raises:
            LocalProtocolError: As for `push`, or nothing was pushed yet.
            CartesiaError: As for `push`.
        """
        await self._send(flush=True)

    async def no_more_inputs(self) -> None:
        """End the text: the service speaks the rest and ends the context.

        If nothing was pushed, nothing is sent, and the context ends without audio (protocol §2.6).
        If cancelled, see `push`.

        Raises:
            CartesiaError: As for `push`.
        """
        await self._send(last=True)

    async def feed(self, pieces: Iterable[str] | AsyncIterable[str]) -> None:
        """Push pieces of any length, for example from a language model, then end the text.

        A piece may end anywhere. An incomplete end is held and sent with the pieces that follow:
        unfinished markup, half of a surrogate pair, a number, or a character that the next one may
        combine with. At most 1,024 characters are held; a number or a character is held for at most
        half a second. With ``max_buffer_delay_ms=0`` the service speaks each input by itself, so
        numbers and characters are not held.

        The sent inputs together equal the pieces together, except that two surrogates are sent as
        their character, and a single one as U+FFFD. Blanks and punctuation at the start of a text
        are held until a word follows, because the service may refuse them (protocol §2.6). A text
        without any word is not sent: the context ends without audio.

        A str is sent verbatim, as one message that ends the text. The iterator is not closed, since
        the caller owns it. If cancelled, see `push`; the held text is not sent.

        Raises:
            CartesiaError: As for `push`.
        """
        self._contexts.run_check.check()
        checks.text_or_pieces(pieces, "pieces", may_be_empty=True)
        if isinstance(pieces, str):
            await self._send(pieces, last=True)
            return
        await PieceFeed(self).run(pieces)

    def receive(self) -> AsyncIterator[Event]:
        """Return an asynchronous iterator of the events, until the terminal one.

        It ends after `Done`, even if that arrives before the final input (then the next `push`
        raises `ContextExpired`), and at once after `cancel`. Being cancelled loses no event. One
        task receives at a time; iterators of one context share its events.

        The iterator raises these exceptions, after all earlier events:

        Raises:
            ContextFailed: The service failed the context.
            InboxOverflow: Events arrived faster than they were received.
            ContextStalled: Text was sent, and no event arrived for ``stall_seconds``.
            ConnectionLost: The connection ended, with any close code, so the speech is cut short.
            RemoteProtocolError: An event of the context could not be parsed.
            LocalProtocolError: The context's block was left before its end, or another task is
                receiving.
        """
        return self._inbox()

    def audio(self) -> AudioReceiver:
        """Return an asynchronous iterator of the audio, as bytes of whole frames, never empty.

        It drops all other events, and raises the same exceptions as that of `receive`.
        """
        return AudioReceiver(self._inbox(), self._frames)

    def playout(
        self,
        *,
        frame_seconds: float = 0.02,
        lead_seconds: float = 0.2,
        pace: Pace = "real_time",
        on_event: Callable[[Event], object] | None = None,
    ) -> Playout:
        """Return an asynchronous iterator of frames for a far end that plays them.

        For telephones, WebRTC and sound cards: frames are all of one size, come when it is time
        to send them, and `Playout.heard` has what was heard of the text at any moment, which takes
        the setting ``add_timestamps``. It receives all events of the context: only one playout can
        be made of a context, and nothing else receives then.

        Args:
            frame_seconds: The length of a frame, 0.001 to 10, and a whole number of samples.
            lead_seconds: How long before it is played a frame is given out, at most: at least
                *frame_seconds*, at most 60. Speech that comes so much late leaves no gap.
            pace: ``"real_time"``: by Trio's clock, with silence where speech comes too late.
                ``"as_fast_as_possible"``: when the audio arrives, for a far end with a buffer.
            on_event: Called with each event when it is received, which may be long before it is
                played: to record the speech or to write its subtitles. It runs in Trio's thread, so
                it must not block. What it raises is raised by iterating.

        Raises:
            LocalProtocolError: An argument is out of its range, or there is a playout already.
        """
        from trio_cartesia._runtime.playout.playout import PlayoutSettings, make_playout

        self._playout = make_playout(
            self._inbox(),
            lambda start: self._entry.state.transcript.pieces(start),
            self.output_format.sample_format,
            PlayoutSettings(frame_seconds=frame_seconds, lead_seconds=lead_seconds, pace=pace),
            is_complete=lambda: self._contexts.is_complete(self._entry),
            check_run=self._contexts.run_check.check,
            on_event=on_event,
        )
        return self._playout

    async def collect(self) -> Speech:
        """Receive all events, and return them as one value.

        If cancelled, the events received so far are lost, and the context can still be used.

        Raises:
            Exception: As for `receive`; its ``partial`` is a `Speech` with the earlier events.
        """
        builder = SpeechBuilder(self.output_format)
        try:
            async for event in self.receive():
                builder.add(event)
        except Exception as error:
            error.partial = self._speech(builder, complete=False)  # type: ignore[attr-defined]  # any error
            raise
        return self._speech(builder, complete=self._contexts.is_complete(self._entry))

    def cancel(self) -> None:
        """Stop the context: its receive loop ends at once, and one cancel request is sent.

        Events that wait in the inbox are dropped, and nothing is awaited. After the end of the
        context, it only stops a playout.

        Raises:
            LocalProtocolError: The context's block has ended.
        """
        self._contexts.run_check.check()
        self._contexts.cancel(self._entry)
        if self._playout is not None:
            self._playout._stop()

    def statistics(self) -> ContextStatistics:
        """Return a snapshot of the context's state and counters."""
        self._contexts.run_check.check()
        state, inbox = self._entry.state, self._entry.inbox
        return ContextStatistics(
            state=state.state.value,
            end=state.end.value if state.end is not None else None,
            inbox_bytes=inbox.counter.held_bytes,
            inbox_peak_bytes=inbox.counter.peak_bytes,
            inbox_budget_bytes=inbox.budget_bytes,
            unspoken_texts=len(state.unspoken.texts()),
            timings=self._entry.timings(),
            held_characters=len(state.held_text),
            transcript_characters=state.transcript.characters,
            kept_words=state.words.count if state.words is not None else 0,
        )

    def _speech(self, builder: SpeechBuilder, *, complete: bool) -> Speech:
        text = "".join(self._entry.state.transcript.pieces())
        return builder.finish(self._entry.timings(), text, complete=complete)

    def _inbox(self) -> Inbox[Event]:
        """Return the inbox to one who receives."""
        self._contexts.run_check.check()
        if self._playout is not None:
            raise LocalProtocolError(
                "the context's playout receives its events", context_id=self.context_id
            )
        return self._entry.inbox

    async def _send(
        self,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> None:
        self._contexts.run_check.check()
        await trio.lowlevel.checkpoint_if_cancelled()
        wait_sent = self._queue(
            transcript, flush=flush, last=last, generation_config=generation_config
        )
        await wait_sent()

    def _queue(
        self,
        transcript: str = "",
        *,
        flush: bool = False,
        last: bool = False,
        generation_config: GenerationConfig | None = None,
    ) -> Callable[[], Awaitable[None]]:
        """Queue an input; return a function that waits until it is on the wire, or withdraws it."""
        contexts, entry = self._contexts, self._entry
        outgoing = contexts.queue_input(
            entry, transcript, flush=flush, last=last, generation_config=generation_config
        )
        return partial(contexts.wait_sent, entry, outgoing)

"""One context: text goes in, speech comes out."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from functools import partial

import attrs
import trio

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.tts.formats import GenerationConfig, RawOutputFormat, value_from
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.speech import Speech, SpeechBuilder
from trio_cartesia._runtime.context_entry import ContextEntry
from trio_cartesia._runtime.contexts import ContextTable
from trio_cartesia._runtime.piece_feed import PieceFeed
from trio_cartesia._runtime.receivers import AudioReceiver
from trio_cartesia._runtime.statistics import ContextStatistics

__all__ = ["Context"]


@no_public_constructor("connection.context()")
@attrs.define(eq=False, init=False)
class Context:
    """A stream of text to the service and a stream of events back (protocol §2.4).

    Made by `Connection.context`. Leaving its block ends it, however it is left: where the
    service had not ended it, one cancel is sent, and nothing is awaited for it.

    Attributes:
        context_id: Its name on the connection.
        settings: What stays the same within it.
    """

    context_id: str
    settings: ContextSettings
    _contexts: ContextTable = attrs.field(repr=False)
    _entry: ContextEntry = attrs.field(repr=False)
    _frames: WholeFrames = attrs.field(init=False, repr=False)

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

        Pieces are joined verbatim, so each brings its own spaces; markup must be whole within one
        piece (protocol §2.6). If cancelled before its message is being sent, the piece is
        withdrawn; after that it counts as sent. The context stays usable either way.

        Args:
            transcript: Any text but none: `no_more_inputs` ends the text, `flush` a segment.
            generation_config: Instead of the context's own, for this piece; the service may refuse
                to change it within a context (protocol §2.5).

        Raises:
            LocalProtocolError: The piece is empty, no text or too large, the text has ended, or
                the context was cancelled. Nothing was sent.
            ContextExpired: The service ended the context first; it carries what was not spoken.
            ContextFailed: The context has failed; it says why.
            ConnectionLost: The connection is gone; it says why.
        """
        config = None
        if generation_config is not None:
            config = value_from(GenerationConfig, generation_config, "generation_config")
        await self._send(transcript, generation_config=config)

    async def flush(self) -> None:
        """End the segment: what is buffered is generated now, and ``flush_done`` follows it.

        A message of its own (protocol §2.7). If cancelled, see `push`.

        Raises:
            LocalProtocolError: As `push`, and where nothing was pushed yet.
            CartesiaError: As `push`.
        """
        await self._send(flush=True)

    async def no_more_inputs(self) -> None:
        """End the text: the service speaks the rest and ends the context.

        Where nothing was pushed, nothing is sent, and the context ends with no audio (protocol
        §2.6). If cancelled, see `push`.

        Raises:
            CartesiaError: As `push`.
        """
        await self._send(last=True)

    async def feed(self, pieces: Iterable[str] | AsyncIterable[str]) -> None:
        """Push pieces as they come from a language model, then end the text.

        A piece may end anywhere. The end of it that is not whole, such as half a tag, is held and
        sent with the pieces that follow: unfinished markup, a surrogate without its other half, a
        number, or a character that another may join. At most 1,024 characters are held, and a
        number or character for half a second at most. With ``max_buffer_delay_ms=0``, where each
        input is spoken by itself, numbers and characters are not held.

        The inputs joined are the pieces joined, except that two surrogates become their character,
        and a lone one U+FFFD. Blanks and punctuation that begin a text are held until a word
        follows, since the service may refuse them (protocol §2.6). A text that has no word at all
        is not sent: the context ends with no audio.

        A str goes out verbatim, as one message that ends the text. The iterator of the pieces is
        not closed: its owner does that. If cancelled, see `push`; what is held is not sent.

        Raises:
            CartesiaError: As `push`.
        """
        self._contexts.run_check.check()
        checks.text_or_pieces(pieces, "pieces", may_be_empty=True)
        if isinstance(pieces, str):
            await self._send(pieces, last=True)
            return
        await PieceFeed(self).run(pieces)

    def receive(self) -> AsyncIterator[Event]:
        """Return an asynchronous iterator of the events, until the terminal one.

        It ends after `Done`, also where that came before the final input (the next `push` then
        raises `ContextExpired`), and at once after `cancel`. Being cancelled loses no event. One
        task receives at a time; iterators of one context share its events.

        The iterator raises, after everything that came before:

        Raises:
            ContextFailed: The service failed the context.
            InboxOverflow: Events came faster than they were received.
            ContextStalled: Text was sent, and nothing came for ``stall_seconds``.
            ConnectionLost: The connection ended, whatever its close code, and the speech is cut.
            RemoteProtocolError: An event of the context could not be read.
            LocalProtocolError: The context's block was left before its end.
        """
        self._contexts.run_check.check()
        return self._entry.inbox

    def audio(self) -> AudioReceiver:
        """Return an asynchronous iterator of audio alone: bytes, whole frames, never empty.

        The iterator raises what that of `receive` raises.
        """
        self._contexts.run_check.check()
        return AudioReceiver(self._entry.inbox, self._frames)

    async def collect(self) -> Speech:
        """Receive everything, and return it as one value.

        If cancelled, what had come is lost, and the context stays usable.

        Raises:
            Exception: As `receive`; the part that came is its ``partial``, a `Speech`.
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
        """Tell the service to stop, and end the receive loop; what waits in the inbox is dropped.

        Nothing is awaited. After the end of the context it does nothing.

        Raises:
            LocalProtocolError: The context's block has ended.
        """
        self._contexts.run_check.check()
        self._contexts.cancel(self._entry)

    def statistics(self) -> ContextStatistics:
        """Return a snapshot of the context's state and numbers."""
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
        )

    def _speech(self, builder: SpeechBuilder, *, complete: bool) -> Speech:
        text = "".join(self._entry.state.transcript.pieces())
        return builder.finish(self._entry.timings(), text, complete=complete)

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
        """Queue an input; what is returned waits until it is on the wire, or withdraws it."""
        contexts, entry = self._contexts, self._entry
        outgoing = contexts.queue_input(
            entry, transcript, flush=flush, last=last, generation_config=generation_config
        )
        return partial(contexts.wait_sent, entry, outgoing)

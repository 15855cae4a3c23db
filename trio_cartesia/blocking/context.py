"""`Context` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.tts.formats import GenerationConfig, RawOutputFormat
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.speech import Speech
from trio_cartesia._runtime.statistics import ContextStatistics
from trio_cartesia.blocking.context_base import ContextBase
from trio_cartesia.blocking.pieces import feed_from_caller

__all__ = ["Context"]


@no_public_constructor("connection.context()")
@attrs.define(eq=False, init=False, repr=False)
class Context(ContextBase):
    """A stream of text to the service and a stream of events back (protocol §2.4).

    Made by `Connection.context`. Leaving its block ends it, however it is left: where the service
    had not ended it, one cancel is sent, and nothing waits for the answer.

    Attributes:
        context_id: Its name on the connection.
        settings: What stays the same within it.
    """

    @property
    def context_id(self) -> str:
        """Its name on the connection."""
        return self._inner.context_id

    @property
    def settings(self) -> ContextSettings:
        """What stays the same within it."""
        return self._inner.settings

    @property
    def output_format(self) -> RawOutputFormat:
        """The layout of its audio."""
        return self._inner.output_format

    def push(
        self,
        transcript: str,
        *,
        generation_config: GenerationConfig | dict[str, object] | None = None,
    ) -> None:
        """Send the next piece of the text, and return once it is on the wire.

        Pieces are joined verbatim, so each brings its own spaces; markup must be whole within one
        piece (protocol §2.6). If interrupted by Ctrl-C before its message is being sent, the piece
        is withdrawn; after that it counts as sent. The context stays usable either way.

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
        self._portal.run(self._inner.push, transcript, generation_config=generation_config)

    def flush(self) -> None:
        """End the segment: what is buffered is generated now, and ``flush_done`` follows it.

        A message of its own (protocol §2.7). If interrupted by Ctrl-C, see `push`.

        Raises:
            LocalProtocolError: As `push`, and where nothing was pushed yet.
            CartesiaError: As `push`.
        """
        self._portal.run(self._inner.flush)

    def no_more_inputs(self) -> None:
        """End the text: the service speaks the rest and ends the context.

        Where nothing was pushed, nothing is sent, and the context ends with no audio (protocol
        §2.6). If interrupted by Ctrl-C, see `push`.

        Raises:
            CartesiaError: As `push`.
        """
        self._portal.run(self._inner.no_more_inputs)

    def feed(self, pieces: Iterable[str]) -> None:
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
        not closed: its owner does that. If interrupted by Ctrl-C, see `push`; what is held is not
        sent.

        Raises:
            CartesiaError: As `push`.
        """
        if isinstance(pieces, str):
            self._portal.run(self._inner.feed, pieces)
        else:
            feed_from_caller(self._portal, self._inner.feed, pieces)

    def receive(self) -> Iterator[Event]:
        """Return an iterator of the events, until the terminal one.

        It ends after `Done`, also where that came before the final input (the next `push` then
        raises `ContextExpired`), and at once after `cancel`. An interrupt by Ctrl-C loses no event.
        One thread receives at a time; iterators of one context share its events.

        The iterator raises, after everything that came before:

        Raises:
            ContextFailed: The service failed the context.
            InboxOverflow: Events came faster than they were received.
            ContextStalled: Text was sent, and nothing came for ``stall_seconds``.
            ConnectionLost: The connection ended, whatever its close code, and the speech is cut.
            RemoteProtocolError: An event of the context could not be read.
            LocalProtocolError: The context's block was left before its end.
        """
        self._portal.run_sync(self._inner.receive)
        return self._events

    def audio(self) -> Iterator[bytes]:
        """Return an iterator of audio alone: bytes, whole frames, never empty.

        The iterator raises what that of `receive` raises.
        """
        self._portal.run_sync(self._inner.audio)
        return self._audio

    def collect(self) -> Speech:
        """Receive everything, and return it as one value.

        If interrupted by Ctrl-C, what had come is lost, and the context stays usable.

        Raises:
            Exception: As `receive`; the part that came is its ``partial``, a `Speech`.
        """
        self._put_back()
        return self._portal.run(self._inner.collect)

    def cancel(self) -> None:
        """Tell the service to stop, and end the receive loop; what waits in the inbox is dropped.

        Nothing is waited for. After the end of the context it does nothing.

        Raises:
            LocalProtocolError: The context's block has ended.
        """
        self._put_back()
        self._portal.run_sync(self._inner.cancel)

    def statistics(self) -> ContextStatistics:
        """Return a snapshot of the context's state and numbers."""
        return self._portal.run_sync(self._inner.statistics)

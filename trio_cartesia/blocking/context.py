"""`Context` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._protocol.tts.formats import GenerationConfig, RawOutputFormat
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.speech import Speech
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.statistics import ContextStatistics
from trio_cartesia.blocking.context_base import ContextBase
from trio_cartesia.blocking.pieces import feed_from_caller
from trio_cartesia.blocking.playout import Playout

__all__ = ["Context"]


@no_public_constructor("connection.context()")
@attrs.define(eq=False, init=False, repr=False)
class Context(ContextBase):
    """One utterance: text that is sent to the service, and the events with its speech.

    `Connection.context` opens it (protocol §2.4). Leaving its block ends it: if the service has not
    ended it before, one cancel request is sent, and nothing waits for the answer.

    Attributes:
        context_id: Its id on the connection.
        settings: The settings of all its inputs.
    """

    @property
    def context_id(self) -> str:
        """Its id on the connection."""
        return self._inner.context_id

    @property
    def settings(self) -> ContextSettings:
        """The settings of all its inputs."""
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

        The service joins pieces verbatim, so each has to contain its own spaces, and markup must be
        complete within one piece (protocol §2.6). If interrupted by Ctrl-C before the writer has
        taken the message, the piece is withdrawn; after that it counts as sent. In both cases the
        context can still be used.

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
        self._portal.run(self._inner.push, transcript, generation_config=generation_config)

    def flush(self) -> None:
        """End the segment: the service speaks all buffered text, then sends ``flush_done``.

        It is sent as a message of its own (protocol §2.7). If interrupted by Ctrl-C, see `push`.

        Raises:
            LocalProtocolError: As for `push`, or nothing was pushed yet.
            CartesiaError: As for `push`.
        """
        self._portal.run(self._inner.flush)

    def no_more_inputs(self) -> None:
        """End the text: the service speaks the rest and ends the context.

        If nothing was pushed, nothing is sent, and the context ends without audio (protocol §2.6).
        If interrupted by Ctrl-C, see `push`.

        Raises:
            CartesiaError: As for `push`.
        """
        self._portal.run(self._inner.no_more_inputs)

    def feed(self, pieces: Iterable[str]) -> None:
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
        the caller owns it. If interrupted by Ctrl-C, see `push`; the held text is not sent.

        Raises:
            CartesiaError: As for `push`.
        """
        if isinstance(pieces, str):
            self._portal.run(self._inner.feed, pieces)
        else:
            feed_from_caller(self._portal, self._inner.feed, pieces)

    def receive(self) -> Iterator[Event]:
        """Return an iterator of the events, until the terminal one.

        It ends after `Done`, even if that arrives before the final input (then the next `push`
        raises `ContextExpired`), and at once after `cancel`. An interrupt by Ctrl-C loses no event.
        One thread receives at a time; iterators of one context share its events.

        The iterator raises these exceptions, after all earlier events:

        Raises:
            ContextFailed: The service failed the context.
            InboxOverflow: Events arrived faster than they were received.
            ContextStalled: Text was sent, and no event arrived for ``stall_seconds``.
            ConnectionLost: The connection ended, with any close code, so the speech is cut short.
            RemoteProtocolError: An event of the context could not be parsed.
            LocalProtocolError: The context's block was left before its end, or another thread is
                receiving.
        """
        self._portal.run_sync(self._inner.receive)
        return self._events

    def audio(self) -> Iterator[bytes]:
        """Return an iterator of the audio, as bytes of whole frames, never empty.

        It drops all other events, and raises the same exceptions as that of `receive`.
        """
        self._portal.run_sync(self._inner.audio)
        return self._audio

    def playout(
        self,
        *,
        frame_seconds: float = 0.02,
        lead_seconds: float = 0.2,
        pace: Pace = "real_time",
        on_event: Callable[[Event], object] | None = None,
    ) -> Playout:
        """Return an iterator of frames for a far end that plays them.

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
        self._put_back()
        return create(
            Playout,
            self._portal,
            self._portal.run_sync(
                self._inner.playout,
                frame_seconds=frame_seconds,
                lead_seconds=lead_seconds,
                pace=pace,
                on_event=on_event,
            ),
        )

    def collect(self) -> Speech:
        """Receive all events, and return them as one value.

        If interrupted by Ctrl-C, the events received so far are lost, and the context can still be
        used.

        Raises:
            Exception: As for `receive`; its ``partial`` is a `Speech` with the earlier events.
        """
        self._put_back()
        return self._portal.run(self._inner.collect)

    def cancel(self) -> None:
        """Stop the context: its receive loop ends at once, and one cancel request is sent.

        Events that wait in the inbox are dropped, and nothing is waited for. After the end of the
        context, it only stops a playout.

        Raises:
            LocalProtocolError: The context's block has ended.
        """
        self._put_back()
        self._portal.run_sync(self._inner.cancel)

    def statistics(self) -> ContextStatistics:
        """Return a snapshot of the context's state and counters."""
        return self._portal.run_sync(self._inner.statistics)

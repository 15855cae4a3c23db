"""One context, from its first input to its terminal event (protocol §2.4).

The task that reads the socket calls `Context.receive`, `cancel` and `fail`, which never wait. The
context's own task, `Context.run`, speaks one sentence at a time and sends its events.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

import attrs
import trio

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.journal.records import ContextRecord
from trio_cartesia.server.messages.errors import (
    CANCELLED,
    CONTEXT_CLOSED,
    NOTHING_TO_DO,
    OUT_OF_RESOURCES,
    VOICE_FAILED,
    APIError,
    ErrorBody,
    invalid,
)
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.streams import is_out_of_resources
from trio_cartesia.server.tts.output import ContextOutput
from trio_cartesia.server.tts.pronunciations import speak_pronounced
from trio_cartesia.server.tts.sinks import Sink
from trio_cartesia.server.tts.text_queue import Mark, Pause, Sentence, TextQueue
from trio_cartesia.server.voices.interface import Voice

logger = logging.getLogger("trio_cartesia.server")

MAX_WAITING: Final = 65_536  # inputs


class State(Enum):
    """The stages in the life of a context."""

    OPEN = "takes inputs"
    FINISHING = "has its final input"
    CANCELLED = "was cancelled"
    FAILED = "will end with an error"
    ENDED = "has sent its terminal event, or is sending it"


@attrs.define(eq=False, kw_only=True)
class Context:
    """A context of one connection.

    Its settings are those of the first input. A later input is refused if its fixed settings differ
    (protocol §2.5); of its other settings, only the delivery and the duration are used.

    Attributes:
        settings: The first input, which also has to be passed to `receive`.
        on_spoken: Called after each sentence, when its audio has been sent.
        on_end: Called once, just before the terminal event is sent, so that the concurrency slot is
            free when the client receives that event.
    """

    settings: Generation
    record: ContextRecord
    on_spoken: Callable[[], None] = lambda: None
    on_end: Callable[[], None] = lambda: None
    state: State = attrs.field(default=State.OPEN, init=False)
    _journal: Journal
    _voice: Voice
    _behaviour: Behaviour
    _sink: Sink
    _queue: TextQueue = attrs.field(init=False)
    _output: ContextOutput = attrs.field(init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _received_at: float = attrs.field(factory=trio.current_time, init=False)
    _text_at: float = attrs.field(factory=trio.current_time, init=False)
    _taken: int = attrs.field(default=0, init=False)  # characters taken, not yet in the journal
    _price: int = attrs.field(default=0, init=False)  # of the same
    _has_segment: bool = attrs.field(default=False, init=False)  # text since the last flush
    _error: ErrorBody = attrs.field(default=CONTEXT_CLOSED, init=False)

    def __attrs_post_init__(self) -> None:
        self._queue = TextQueue(self._delay_seconds, self._behaviour.auto_flush_done)
        self._output = ContextOutput(
            settings=self.settings,
            record=self.record,
            journal=self._journal,
            behaviour=self._behaviour,
            sink=self._sink,
        )

    @property
    def _id(self) -> str:
        return self.settings.context_id

    @property
    def _delay_seconds(self) -> float:
        return self.settings.max_buffer_delay_ms / 1000

    def receive(self, generation: Generation) -> None:
        """Queue an input; the context must be open.

        Raises:
            APIError: Its fixed settings differ from the context's, or too much text waits.
        """
        assert self.state is State.OPEN
        self._check(generation)
        if generation.is_empty:
            return
        self._journal.add_input(self.record, generation.transcript)
        now = self._received_at = trio.current_time()
        if generation.duration is not None:
            self._output.duration = generation.duration
        if generation.transcript:
            self._text_at = now
            self._queue.write(generation.transcript, generation.delivery, now)
        if generation.flush:  # protocol §7.1 T15: after the text
            self._queue.mark(Mark.FLUSH)
        if not generation.continues:
            self._queue.mark(Mark.END)
            self.state = State.FINISHING
        self._changed.set()

    def _check(self, generation: Generation) -> None:
        is_changed = generation.fixed != self.settings.fixed
        if generation.transcript and is_changed and self._behaviour.strict_context_fields:
            raise APIError(CONTEXT_CLOSED, self._id)  # protocol §7.1 T11
        if generation.is_empty and self._behaviour.empty_input == "error":  # protocol §7.1 T13
            raise APIError(NOTHING_TO_DO, self._id)
        waiting = self._queue.characters + len(generation.transcript)
        if waiting > self._behaviour.max_waiting_characters or len(self._queue) >= MAX_WAITING:
            raise APIError(invalid("Too much text waits in this context."), self._id)

    def cancel(self) -> None:
        """Stop after a few more chunks of the current sentence (protocol §2.9)."""
        if self.state in (State.OPEN, State.FINISHING):
            self.state = State.CANCELLED
            self._stop(self._behaviour.cancel_trailing_chunks)

    def fail(self, error: ErrorBody) -> bool:
        """End with an error once the event that is being sent has been sent.

        Returns:
            False if the context has already ended and will not send the error.
        """
        if self.state is State.ENDED:
            return False
        if self.state is not State.FAILED:  # the first error counts
            self.state = State.FAILED
            self._error = error
            self._stop(0)
        return True

    def release(self) -> None:
        """Call `on_end`, unless it has been called."""
        on_end, self.on_end = self.on_end, lambda: None
        on_end()

    def _stop(self, chunks: int) -> None:
        self._output.stop(chunks)
        self._changed.set()

    async def run(self) -> None:
        """Speak until the terminal event has been sent.

        Raises:
            Disconnected: The peer has left.
        """
        while self.state is not State.ENDED:
            try:
                await self._step()
            except APIError as error:  # an injected fault replaced the event
                self.state, self._error = State.FAILED, error.body

    async def _step(self) -> None:
        if self.state is State.FAILED:
            await self._end("error", error=self._error)
        elif self.state is State.CANCELLED:
            await self._end_cancelled()
        else:
            await self._speak_next()

    async def _speak_next(self) -> None:
        match self._next_item():
            case Sentence() as sentence:
                await self._speak(sentence)
                await trio.lowlevel.checkpoint()  # a long text may have no sound
            case Pause(seconds):
                self._record_generated()
                await self._output.pause(seconds)
                await trio.lowlevel.checkpoint()  # there may be many of length 0
            case Mark.FLUSH:
                await self._flush()
            case Mark.END:
                await self._end("done")
            case _:
                await self._wait()

    def _next_item(self) -> Sentence | Pause | Mark | None:
        now, waiting = trio.current_time(), self._queue.characters
        if self._behaviour.buffer_timer == "last" and now < self._text_at + self._delay_seconds:
            now = -math.inf  # nothing is due, but complete sentences are ready
        item = self._queue.take(now)
        self._taken += waiting - self._queue.characters
        self._price += _price(item)
        self._has_segment |= isinstance(item, (Sentence, Pause))
        return item

    async def _wait(self) -> None:
        """Wait for a change, for text to become due, or for expiry (protocol §2.10)."""
        self._changed = trio.Event()
        due = self._queue.due
        if due is None:
            active_at = max(self._received_at, self._output.active_at)
            wake_at = active_at + self._behaviour.expiry_seconds
        elif self._behaviour.buffer_timer == "last":  # protocol §7.1 T16
            wake_at = max(due, self._text_at + self._delay_seconds)
        else:
            wake_at = due
        with trio.move_on_at(wake_at):
            await self._changed.wait()
        if due is None and not self._changed.is_set():
            await self._end("expired", is_silent=not self._behaviour.expiry_done)

    async def _flush(self) -> None:
        if self._has_segment or self._behaviour.empty_flush == "flush_done":  # protocol §7.1 T14
            await self._output.end_segment()
        else:
            await trio.lowlevel.checkpoint()  # there may be many
        self._has_segment = False

    async def _speak(self, sentence: Sentence) -> None:
        if self._output.is_full:
            return
        if not sentence.text.strip():
            self._record_generated()
            return
        started = trio.current_time()
        try:
            spoken = await speak_pronounced(
                self._voice, self._output.utterance(sentence), self.settings.pronunciations
            )
            if len(spoken.samples) % 2:
                raise ValueError("half a sample")
        except Exception as error:  # noqa: BLE001  # voices are pluggable; other contexts continue
            kind = type(error).__name__  # a traceback might quote the text
            logger.error("context %r: the voice failed: %s", self._id, kind)  # noqa: TRY400  # a traceback may hold speech
            self.fail(OUT_OF_RESOURCES if is_out_of_resources(error) else VOICE_FAILED)
            return
        self._record_generated()
        await self._output.send_speech(spoken, started)
        self.on_spoken()

    def _record_generated(self) -> None:
        self._journal.add_generated(self.record, self._taken, self._price)
        self._taken = self._price = 0

    async def _end_cancelled(self) -> None:
        ending = self._behaviour.cancel_ends_with  # protocol §7.1 T6
        error = CANCELLED if ending == "error" else None
        await self._end("cancelled", error=error, is_silent=ending == "nothing")

    async def _end(
        self, how: str, *, error: ErrorBody | None = None, is_silent: bool = False
    ) -> None:
        """Send the terminal event, unless *is_silent*."""
        with self._ending(how):
            if is_silent:
                await trio.lowlevel.checkpoint()
            elif error is not None:
                await self._sink.error(error)
            else:
                await self._sink.done(status=self._behaviour.done_status)

    @contextmanager
    def _ending(self, how: str) -> Iterator[None]:
        """Record the end before it is sent, because its receiver may read the journal at once."""
        self.state = State.ENDED
        self.record.ended = how
        self.release()  # protocol §7.1 T28
        try:
            yield
        except BaseException:
            self.record.ended = "lost"
            raise


def _price(item: Sentence | Pause | Mark | None) -> int:
    """Return the credits for an item (protocol §1.9); other tags than pauses are free."""
    if isinstance(item, Sentence):
        return len(item.text) + item.spelled
    return int(isinstance(item, Pause) and item.seconds > 0)

"""One context: inputs in, events out, from its first input to its terminal event (protocol §2.4).

`Context.receive`, `cancel` and `refuse` are called by whoever reads the socket, and never wait. One
task, `Context.run`, speaks, a sentence at a time.
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
    APIError,
    ErrorBody,
    invalid,
)
from trio_cartesia.server.messages.inputs import Generation
from trio_cartesia.server.streams import is_out_of_resources
from trio_cartesia.server.tts.output import ContextOutput
from trio_cartesia.server.tts.sinks import Sink
from trio_cartesia.server.tts.text_queue import Mark, Pause, Sentence, TextQueue
from trio_cartesia.server.voices.interface import Voice

logger = logging.getLogger("trio_cartesia.server")

MAX_WAITING: Final = 65_536  # inputs, however short
VOICE_FAILED: Final = ErrorBody(
    status=500, title="Internal server error", message="The voice could not speak the text."
)


class State(Enum):
    """The stages in the life of a context."""

    OPEN = "takes inputs"
    FINISHING = "has its final input"
    CANCELLED = "speaks no more"
    REFUSED = "may only end, with an error"
    ENDED = "has sent its terminal event, or is about to"


@attrs.define(eq=False, kw_only=True)
class Context:
    """A context of one connection.

    Its settings are those of the first input. Later ones are refused if what must stay the same
    has changed (protocol §2.5); of their other settings only the delivery and the duration count.

    Attributes:
        settings: The first input, which is yet to be queued.
        on_end: Called once, before the terminal event is sent: nothing of the context counts any
            more for whoever hears that.
    """

    settings: Generation
    record: ContextRecord
    on_end: Callable[[], None] = lambda: None
    state: State = attrs.field(default=State.OPEN, init=False)
    _journal: Journal
    _voice: Voice
    _behaviour: Behaviour
    _sink: Sink
    _queue: TextQueue = attrs.field(init=False)
    _output: ContextOutput = attrs.field(init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _received_at: float = attrs.field(factory=trio.current_time, init=False)
    _text_at: float = attrs.field(factory=trio.current_time, init=False)
    _taken: int = attrs.field(default=0, init=False)  # characters that nobody has spoken yet
    _has_segment: bool = attrs.field(default=False, init=False)  # text since the last flush
    _refusal: ErrorBody = attrs.field(default=CONTEXT_CLOSED, init=False)

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
        """Take an input, which only an open context does.

        Raises:
            APIError: It does not belong here, or there is too much to say already.
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
        self._news.set()

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
        """Speak no more; let the sentence that is being spoken go on for some chunks (protocol
        §2.9).
        """
        if self.state in (State.OPEN, State.FINISHING):
            self.state = State.CANCELLED
            self._stop(self._behaviour.cancel_trailing_chunks)

    def refuse(self, refusal: ErrorBody) -> bool:
        """End with an error as soon as the event that is on its way has been sent.

        Returns:
            False if the context has already ended, so that nobody will send the error.
        """
        if self.state is State.ENDED:
            return False
        if self.state is not State.REFUSED:  # one error is enough
            self.state = State.REFUSED
            self._refusal = refusal
            self._stop(0)
        return True

    def leave(self) -> None:
        """Call `on_end`, unless that was done."""
        on_end, self.on_end = self.on_end, lambda: None
        on_end()

    def _stop(self, chunks: int) -> None:
        self._output.stop(chunks)
        self._news.set()

    async def run(self) -> None:
        """Speak until the terminal event has been sent.

        Raises:
            Disconnected: The client is gone.
        """
        while self.state is not State.ENDED:
            try:
                await self._step()
            except APIError as refused:  # a fault, in place of what was to be sent
                self.state, self._refusal = State.REFUSED, refused.refusal

    async def _step(self) -> None:
        if self.state is State.REFUSED:
            await self._end("error", error=self._refusal)
        elif self.state is State.CANCELLED:
            await self._end_cancelled()
        else:
            await self._proceed()

    async def _proceed(self) -> None:
        match self._take():
            case Sentence() as sentence:
                await self._speak(sentence)
                await trio.lowlevel.checkpoint()  # much of a long text may make no sound
            case Pause(seconds):
                self._report_generated()
                await self._output.pause(seconds)
                await trio.lowlevel.checkpoint()  # there may be many without a length
            case Mark.FLUSH:
                await self._flush()
            case Mark.END:
                await self._end("done")
            case _:
                await self._wait()

    def _take(self) -> Sentence | Pause | Mark | None:
        now, waiting = trio.current_time(), self._queue.characters
        if self._behaviour.buffer_timer == "last" and now < self._text_at + self._delay_seconds:
            now = -math.inf  # nothing is due, but what is complete is ready
        item = self._queue.take(now)
        self._taken += waiting - self._queue.characters
        self._has_segment |= isinstance(item, (Sentence, Pause))
        return item

    async def _wait(self) -> None:
        """Wait for news, for text that is due, or for the end of patience (protocol §2.10)."""
        self._news = trio.Event()
        due = self._queue.due
        if due is None:
            active_at = max(self._received_at, self._output.active_at)
            wake_at = active_at + self._behaviour.expiry_seconds
        elif self._behaviour.buffer_timer == "last":  # protocol §7.1 T16
            wake_at = max(due, self._text_at + self._delay_seconds)
        else:
            wake_at = due
        with trio.move_on_at(wake_at):
            await self._news.wait()
        if due is None and not self._news.is_set():
            await self._end("expired", is_silent=not self._behaviour.expiry_done)

    async def _flush(self) -> None:
        if self._has_segment or self._behaviour.empty_flush == "flush_done":  # protocol §7.1 T14
            await self._output.end_segment()
        else:
            await trio.lowlevel.checkpoint()  # many may have been asked for
        self._has_segment = False

    async def _speak(self, sentence: Sentence) -> None:
        if self._output.is_full:
            return
        if not sentence.text.strip():
            self._report_generated()
            return
        started = trio.current_time()
        try:
            spoken = await self._voice.speak(self._output.utterance(sentence))
            if len(spoken.samples) % 2:
                raise ValueError("half a sample")
        except Exception as error:  # noqa: BLE001  # a voice may be anybody's; others must go on
            kind = type(error).__name__  # a traceback might quote the text
            logger.error("context %r: the voice failed: %s", self._id, kind)  # noqa: TRY400
            self.refuse(OUT_OF_RESOURCES if is_out_of_resources(error) else VOICE_FAILED)
            return
        self._report_generated()
        await self._output.send(spoken, started)

    def _report_generated(self) -> None:
        characters, self._taken = self._taken, 0
        self._journal.add_generated(self.record, characters)

    async def _end_cancelled(self) -> None:
        ending = self._behaviour.cancel_ends_with  # protocol §7.1 T6
        error = CANCELLED if ending == "error" else None
        await self._end("cancelled", error=error, is_silent=ending == "nothing")

    async def _end(
        self, how: str, *, error: ErrorBody | None = None, is_silent: bool = False
    ) -> None:
        """Send the terminal event, unless there is to be none."""
        with self._ending(how):
            if is_silent:
                await trio.lowlevel.checkpoint()
            elif error is not None:
                await self._sink.error(error)
            else:
                await self._sink.done(status=self._behaviour.done_status)

    @contextmanager
    def _ending(self, how: str) -> Iterator[None]:
        """Record the end before it is sent, for whoever hears it may look at once."""
        self.state = State.ENDED
        self.record.ended = how
        self.leave()  # protocol §7.1 T28
        try:
            yield
        except BaseException:
            self.record.ended = "lost"
            raise

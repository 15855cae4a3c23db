"""
One context: inputs in, events out, from its first input to its terminal event (protocol §2.4).

`Context.hear`, `cancel` and `refuse` are called by whoever reads the socket, and never wait. One
task, `Context.run`, speaks: a sentence at a time, each event sent before the next is made, so a
context holds the audio of one sentence at most.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

import attrs
import trio

from . import events
from .behaviour import Behaviour
from .journal import ContextRecord, Journal, SpokenUnit
from .refusals import CONTEXT_CLOSED, Refusal, Refused, invalid
from .requests import Generation
from .script import Mark, Script, Sentence
from .sinks import Sink
from .voice import Spoken, Utterance, Voice

logger = logging.getLogger("trio_cartesia.server")

MAX_WAITING: Final = 65_536  # inputs, however short
VOICE_FAILED = Refusal(
    status=500, title="Internal server error", message="The voice could not speak the text."
)


class State(Enum):
    """
    Where a context is in its life.
    """

    OPEN = "takes inputs"
    FINISHING = "has its final input"
    CANCELLED = "may only end, with done"
    REFUSED = "may only end, with an error"
    ENDED = "has sent its terminal event, or is about to"


@attrs.define(eq=False, kw_only=True)
class Context:
    """
    A context of one connection.

    Its settings are those of the first input. Later ones are refused if what must stay the same
    has changed (protocol §2.5); of their other settings only the delivery counts.

    Attributes:
        settings: The first input, which is yet to be heard.
    """

    settings: Generation
    record: ContextRecord
    state: State = attrs.field(default=State.OPEN, init=False)
    _journal: Journal
    _voice: Voice
    _behaviour: Behaviour
    _sink: Sink
    _script: Script = attrs.field(init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _active_at: float = attrs.field(factory=trio.current_time, init=False)
    _made_at: float = attrs.field(factory=trio.current_time, init=False)
    _refusal: Refusal = attrs.field(default=CONTEXT_CLOSED, init=False)
    _chunks_left: float = attrs.field(default=math.inf, init=False)
    _sending_chunk: bool = attrs.field(default=False, init=False)
    _frames: int = attrs.field(default=0, init=False)  # of audio, up to the current sentence
    _flush_id: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._flush_id = self._behaviour.flush_id_base
        self._script = Script(
            self.settings.max_buffer_delay_ms / 1000, self._behaviour.auto_flush_done
        )

    @property
    def _id(self) -> str:
        return self.settings.context_id

    def hear(self, generation: Generation) -> None:
        """
        Take an input.

        Raises:
            Refused: The context is closed for it, or has too much to say already.
        """
        if self.state is not State.OPEN:  # protocol §7.1 T9
            raise Refused(CONTEXT_CLOSED, self._id)
        if generation.transcript and generation.fixed != self.settings.fixed:
            raise Refused(CONTEXT_CLOSED, self._id)
        waiting = self._script.characters + len(generation.transcript)
        if waiting > self._behaviour.max_waiting_characters or len(self._script) >= MAX_WAITING:
            raise Refused(invalid("Too much text waits in this context."), self._id)
        if generation.is_empty:
            return
        self._journal.add_input(self.record, generation.transcript)
        if generation.transcript:
            self._script.write(generation.transcript, generation.delivery, trio.current_time())
        if generation.flush:  # protocol §7.1 T15: after the text
            self._script.mark(Mark.FLUSH)
        if not generation.continues:
            self._script.mark(Mark.END)
            self.state = State.FINISHING
        self._touch()

    def cancel(self) -> None:
        """
        Speak no more; let the sentence that is being spoken go on for some chunks (protocol §2.9).
        """
        if self.state in (State.OPEN, State.FINISHING):
            self.state = State.CANCELLED
            self._stop(self._behaviour.cancel_trailing_chunks)

    def refuse(self, refusal: Refusal) -> bool:
        """
        End with an error as soon as the event that is on its way has been sent.

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

    def _stop(self, chunks: int) -> None:
        self._chunks_left = max(0, chunks - self._sending_chunk)
        self._touch()

    def _touch(self) -> None:
        self._active_at = trio.current_time()
        self._news.set()

    async def run(self) -> None:
        """
        Speak until the terminal event has been sent.

        Raises:
            Disconnected: There is nobody left to hear it.
        """
        while self.state is not State.ENDED:
            if self.state is State.REFUSED:
                await self._end_with_error()
            elif self.state is State.CANCELLED:  # protocol §7.1 T6
                await self._end("cancelled")
            else:
                await self._proceed()

    async def _proceed(self) -> None:
        match self._script.take(trio.current_time()):
            case Sentence() as sentence:
                await self._speak(sentence)
                await trio.lowlevel.checkpoint()  # much of a long text may make no sound
            case Mark.FLUSH:
                await self._end_segment()
            case Mark.END:
                await self._end("done")
            case _:
                await self._wait()

    async def _wait(self) -> None:
        """
        Wait for news, for text that is due, or for the end of patience (protocol §2.10).
        """
        self._news = trio.Event()
        due = self._script.due
        expiry = self._active_at + self._behaviour.expiry_seconds
        with trio.move_on_at(expiry if due is None else due):
            await self._news.wait()
        if due is None and not self._news.is_set():
            await self._end("expired")

    async def _speak(self, sentence: Sentence) -> None:
        if not sentence.text.strip():
            return
        started = trio.current_time()
        try:
            spoken = await self._voice.speak(self._utterance(sentence))
            if len(spoken.samples) % 2:
                raise ValueError("half a sample")
        except Exception as error:  # noqa: BLE001  # a voice may be anybody's; others must go on
            kind = type(error).__name__  # a traceback might quote the text
            logger.error("context %r: the voice failed: %s", self._id, kind)  # noqa: TRY400
            self.refuse(VOICE_FAILED)
            return
        await self._send_speech(spoken, started)

    def _utterance(self, sentence: Sentence) -> Utterance:
        return Utterance(
            text=sentence.text,
            voice_id=self.settings.voice_id,
            language=self.settings.locale or self.settings.language or "en",
            sample_rate=self.settings.output.sample_rate,
            speed=sentence.delivery.speed,
            volume=sentence.delivery.volume,
            emotion=sentence.delivery.emotion,
        )

    async def _send_speech(self, spoken: Spoken, started: float) -> None:
        output, first = self.settings.output, self._behaviour.timestamps_first
        timing = {"before": self._frames, "sample_rate": output.sample_rate}
        words = events.units_of(spoken.words, **timing)
        phonemes = events.units_of(spoken.phonemes, **timing)
        chunks = events.cut(spoken.samples, output, self._behaviour.chunk_bytes)
        for number, chunk in enumerate(chunks):
            if number == 0 and first:  # protocol §7.1 T3
                await self._send_times(words, phonemes)
            await self._keep_pace(len(chunk))
            if not self._chunks_left:
                break
            await self._send_chunk(chunk, trio.current_time() - started)
            self._frames += output.frames(len(chunk))
            if number == 0 and not first:
                await self._send_times(words, phonemes)
            started = trio.current_time()
        heard = self._frames / output.sample_rate
        spoken_times = (
            [unit for unit in units if unit.end <= heard] for units in (words, phonemes)
        )
        self._journal.add_times(self.record, *spoken_times)

    async def _keep_pace(self, size: int) -> None:
        """
        Wait until the chunk of *size* bytes that is to come could have been made.
        """
        if self._made_at > trio.current_time():
            await trio.sleep_until(self._made_at)
        seconds = self.settings.output.seconds(size) / self._behaviour.times_real_time
        self._made_at = trio.current_time() + seconds

    async def _send_chunk(self, audio: bytes, step_seconds: float) -> None:
        self._chunks_left -= 1
        self._sending_chunk = True
        await self._sink.chunk(audio, flush_id=self._flush_id, step_seconds=step_seconds)
        self._active_at = trio.current_time()
        self._sending_chunk = False
        self._journal.add_chunk(self.record, audio)

    async def _send_times(self, words: list[SpokenUnit], phonemes: list[SpokenUnit]) -> None:
        """
        Send the times that were asked for, cumulative over the context (protocol §7.1 T4).
        """
        wanted = {"word": words if self.settings.add_timestamps else []}
        wanted["phoneme"] = phonemes if self.settings.add_phoneme_timestamps else []
        for unit, units in wanted.items():
            if units and self._chunks_left == math.inf:  # else their audio may never come
                await self._sink.times(unit, units, flush_id=self._flush_id)
                self._active_at = trio.current_time()

    async def _end_segment(self) -> None:
        flush_id, self._flush_id = self._flush_id, self._flush_id + 1
        self.record.flushes += 1
        await self._sink.flush_done(flush_id=flush_id)
        self._active_at = trio.current_time()

    async def _end(self, how: str) -> None:
        with self._ending(how):
            await self._sink.done(status=self._behaviour.done_status)

    async def _end_with_error(self) -> None:
        with self._ending("error"):
            await self._sink.error(self._refusal)

    @contextmanager
    def _ending(self, how: str) -> Iterator[None]:
        """
        Record the end before it is sent, for whoever hears it may look at once.
        """
        self.state = State.ENDED
        self.record.ended = how
        try:
            yield
        except BaseException:
            self.record.ended = "lost"
            raise

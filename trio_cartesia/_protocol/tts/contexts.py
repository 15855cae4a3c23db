"""The state of one context in `SpeechProtocol`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

import attrs

from trio_cartesia._errors import CartesiaError, ContextExpired, LocalProtocolError
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.base.events import ErrorEvent
from trio_cartesia._protocol.text.markup import has_words
from trio_cartesia._protocol.tts.context_states import End, State, Trigger, advance
from trio_cartesia._protocol.tts.messages import (
    Done,
    Event,
    FlushDone,
    PhonemeTimestamps,
    Received,
    WordTimestamps,
)
from trio_cartesia._protocol.tts.outbox import Outbox, Outgoing
from trio_cartesia._protocol.tts.settings import ContextSettings
from trio_cartesia._protocol.tts.time_base import TimeBase
from trio_cartesia._protocol.tts.timings import AudioArrivals
from trio_cartesia._protocol.tts.unspoken import SpokenWords, Transcript, Unspoken

__all__ = ["ContextState"]

_OPEN: Final = State.OPEN  # looked up once: members of an Enum are slow to find
_HALF_CLOSED: Final = State.HALF_CLOSED


@attrs.define(eq=False)
class ContextState:
    """One context, from the opening of its block to the end of it.

    Attributes:
        common: What all its inputs repeat, as it goes over the wire.
        transcript: The text that was sent.
        audio: When its audio arrived.
        time_base: What the times of its words and phonemes count from.
        held_text: What waits for the rest of its tag or number, to be sent with it.
        words: Its words, if word times were asked for.
        find_rest: Returns the texts that were not spoken, or None if that is not known; set where
            its text is a part of another.
    """

    settings: ContextSettings
    common: str = attrs.field(repr=False)
    state: State = State.NEW
    end: End | None = None
    failure: Exception | None = None
    held_text: str = attrs.field(default="", init=False, repr=False)
    queued: dict[Outgoing, None] = attrs.field(factory=dict, init=False, repr=False)
    unspoken: Unspoken = attrs.field(factory=Unspoken, init=False)
    transcript: Transcript = attrs.field(factory=Transcript, init=False)
    audio: AudioArrivals = attrs.field(init=False)
    time_base: TimeBase = attrs.field(factory=TimeBase, init=False)
    words: SpokenWords | None = attrs.field(default=None, init=False)
    find_rest: Callable[[], tuple[str, ...] | None] | None = attrs.field(default=None, init=False)
    _dropped_count: int = attrs.field(default=0, init=False)  # texts of `unspoken` that were queued

    def __attrs_post_init__(self) -> None:
        self.audio = AudioArrivals(self.settings.output_format)
        if self.settings.add_timestamps:
            self.words = SpokenWords()

    @property
    def is_open(self) -> bool:
        """True while the service works for it, or may: it can be cancelled and can fail."""
        state = self.state
        return state is _OPEN or state is _HALF_CLOSED

    @property
    def is_empty(self) -> bool:
        """True while no text of it was sent, nor waits to be."""
        return self.state is State.NEW and not any(item.transcript for item in self.queued)

    @property
    def is_ending(self) -> bool:
        """True from the moment when the final input was asked for."""
        return self.state is State.HALF_CLOSED or any(item.is_last for item in self.queued)

    @property
    def is_complete(self) -> bool:
        """True if the service ended it after its final input, with nothing left to be heard."""
        return self.end is End.DONE and not self.unspoken.has_words

    def note_sent(self, transcript: str) -> None:
        """Note that *transcript* counts as sent."""
        self.unspoken.add(transcript)
        self.transcript.add(transcript)

    def drop_queued(self, outbox: Outbox) -> None:
        """Drop what is queued: its texts are among those that were not spoken."""
        for outgoing in self.queued:
            self.unspoken.add(outgoing.transcript)
            self._dropped_count += bool(outgoing.transcript)
        outbox.drop_inputs(self.queued)

    def drop_audio(self, size_bytes: int) -> None:
        """Note that the audio that came last was dropped."""
        self.audio.size_bytes -= size_bytes
        self.unspoken.restore(self.audio.size_bytes)

    def unspoken_texts(self, transcript: str = "") -> tuple[str, ...]:
        """Return the texts of which no audio came, as far as can be known, oldest first.

        Args:
            transcript: An input that can no longer be sent.
        """
        texts = None if self.find_rest is None else self.find_rest()
        if texts is None:
            pending = self.unspoken.texts()
            queued = (outgoing.transcript for outgoing in self.queued)
            earlier = self._without_audio(len(pending) - self._dropped_count)
            texts = (*earlier, *pending, *queued)
        return tuple(filter(None, (*texts, transcript, self.held_text)))

    def _without_audio(self, sent_last: int) -> list[str]:
        """Return the texts whose words have no audio, but for so many that were sent last.

        There are none in an expired context, since the service has spoken all that it was sent.
        """
        if self.words is None or self.end is End.EXPIRED:
            return []
        offset = self.words.unspoken_offset(self.transcript, self.audio.context_seconds)
        if offset is None:
            return []
        rest = self.transcript.pieces_behind(offset)
        del rest[max(0, len(rest) - sent_last) :]
        return rest if has_words("".join(rest)) else []

    def receive(self, event: Received, outbox: Outbox) -> Event | CartesiaError:
        """Take an event that is no chunk; return what is delivered of it."""
        if isinstance(event, ErrorEvent):
            self.state = advance(self.state, Trigger.RECEIVE_ERROR)
            self.end = End.FAILED
            self.failure = error_from_fields(event.fields, context_id=event.context_id)
            self.drop_queued(outbox)
            return self.failure.anew()
        if isinstance(event, Done):
            self.receive_done(outbox)
        elif isinstance(event, FlushDone):
            self.time_base.begin_segment(self.audio.context_seconds)
        elif isinstance(event, (WordTimestamps, PhonemeTimestamps)):
            event = self.time_base.receive(event)
            if self.words is not None and isinstance(event, WordTimestamps):
                audio_seconds = self.audio.context_seconds
                self.words.add(event.from_start(), self.transcript, audio_seconds)
        return event

    def receive_done(self, outbox: Outbox) -> None:
        """End it: complete, or expired with what is queued among the texts that were not spoken."""
        was_sent_whole, is_ending = self.state is State.HALF_CLOSED, self.is_ending
        self.drop_queued(outbox)
        all_was_spoken = is_ending and not self.unspoken.has_words
        self.end = End.DONE if was_sent_whole or all_was_spoken else End.EXPIRED
        self.state = advance(self.state, Trigger.RECEIVE_DONE)

    def check_takes_input(self, context_id: str, transcript: str = "") -> None:
        """Raise what a further input meets.

        Raises:
            LocalProtocolError: The final input was given, or the context was cancelled.
            ContextExpired: The service ended it before.
            Exception: What it failed with.
        """
        if self.failure is not None:
            self._raise_failure(transcript)
        if self.end is End.CANCELLED:
            raise LocalProtocolError("the context was cancelled", context_id=context_id)
        if self.end is End.EXPIRED:
            raise self.expiry(context_id, transcript)
        if self.state is State.CLOSED or self.is_ending:
            raise LocalProtocolError("the final input was given before", context_id=context_id)

    def _raise_failure(self, transcript: str) -> NoReturn:
        """Raise what it failed with, with *transcript* and what is held as not spoken."""
        if isinstance(self.failure, CartesiaError):
            failure = self.failure.anew()
            failure.unspoken = self.unspoken_texts(transcript)
            raise failure from failure.__cause__
        assert self.failure is not None
        raise self.failure

    def expiry(self, context_id: str, transcript: str = "") -> ContextExpired:
        """Return `ContextExpired`, with *transcript* and what is held as not spoken."""
        return ContextExpired(
            "the service ended the context before its final input",
            context_id=context_id,
            unspoken=self.unspoken_texts(transcript),
        )

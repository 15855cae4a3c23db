"""The state of one context in `SpeechProtocol`."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from trio_cartesia._errors import CartesiaError, ContextExpired, LocalProtocolError, raise_kept
from trio_cartesia._protocol.base.error_bodies import error_from_fields
from trio_cartesia._protocol.tts.context_states import End, State, Trigger, advance
from trio_cartesia._protocol.tts.messages import (
    Done,
    ErrorEvent,
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

__all__ = ["TRANSCRIPT_CHARACTERS", "UNSPOKEN_CHARACTERS", "ContextState", "Transcript", "Unspoken"]

UNSPOKEN_CHARACTERS: Final = 65_536
TRANSCRIPT_CHARACTERS: Final = 2**20  # some twenty hours of speech

_OPEN: Final = State.OPEN  # looked up once: members of an Enum are slow to find
_HALF_CLOSED: Final = State.HALF_CLOSED


@attrs.define(eq=False)
class Unspoken:
    """The transcripts that were sent after the last audio came: the newest, up to a bound.

    Attributes:
        pending: They; None or empty where there are none.
        has_words: Whether one of them has a letter or a digit, of those past the bound too.
    """

    pending: deque[str] | None = attrs.field(default=None, init=False, repr=False)
    has_words: bool = attrs.field(default=False, init=False)
    _characters: int = attrs.field(default=0, init=False)

    def add(self, transcript: str) -> None:
        """Note that *transcript* was sent."""
        if not transcript:
            return
        if self.pending is None:  # an empty deque takes 760 bytes
            self.pending = deque()
        self.pending.append(transcript)
        self._characters += len(transcript)
        self.has_words = self.has_words or any(map(str.isalnum, transcript))
        while self._characters > UNSPOKEN_CHARACTERS and len(self.pending) > 1:
            self._characters -= len(self.pending.popleft())

    def clear(self) -> None:
        """Note that audio came."""
        self.pending = None
        self.has_words = False
        self._characters = 0

    def texts(self) -> tuple[str, ...]:
        """Return what is left, oldest first."""
        return tuple(self.pending or ())


@attrs.define(eq=False)
class Transcript:
    """The text that was sent, up to a bound: what goes past it is not kept.

    Attributes:
        characters: How many are kept.
    """

    characters: int = attrs.field(default=0, init=False)
    _pieces: list[str] = attrs.field(factory=list, init=False, repr=False)
    _is_full: bool = attrs.field(default=False, init=False)

    def add(self, piece: str) -> None:
        """Note that *piece* was sent."""
        self._is_full = self._is_full or self.characters + len(piece) > TRANSCRIPT_CHARACTERS
        if piece and not self._is_full:
            self._pieces.append(piece)
            self.characters += len(piece)

    def pieces(self, start: int = 0) -> list[str]:
        """Return the pieces from number *start* on."""
        return self._pieces[start:]


@attrs.define(eq=False)
class ContextState:
    """One context, from the opening of its block to the end of it.

    Attributes:
        common: What all its inputs repeat, as it goes over the wire.
        transcript: The text that was sent.
        audio: When its audio arrived.
        time_base: What the times of its words and phonemes count from.
        held_text: What waits for the rest of its tag or number, to be sent with it.
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

    def __attrs_post_init__(self) -> None:
        self.audio = AudioArrivals(self.settings.output_format)

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
        outbox.drop_inputs(self.queued)

    def unspoken_texts(self, transcript: str = "") -> tuple[str, ...]:
        """Return the texts of which no audio came, as far as can be known, oldest first.

        Args:
            transcript: An input that can no longer be sent.
        """
        return (*self.unspoken.texts(), *filter(None, (transcript, self.held_text)))

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
            return self.time_base.receive(event)
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
            raise_kept(self.failure)
        if self.end is End.CANCELLED:
            raise LocalProtocolError("the context was cancelled", context_id=context_id)
        if self.end is End.EXPIRED:
            raise self.expiry(context_id, transcript)
        if self.state is State.CLOSED or self.is_ending:
            raise LocalProtocolError("the final input was given before", context_id=context_id)

    def expiry(self, context_id: str, transcript: str = "") -> ContextExpired:
        """Return `ContextExpired`, with *transcript* and what is held as not spoken."""
        return ContextExpired(
            "the service ended the context before its final input",
            context_id=context_id,
            unspoken=self.unspoken_texts(transcript),
        )

"""What of an utterance was delivered, so that the rest can be spoken on another connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._pool.delivery import Delivery
from trio_cartesia._pool.inputs import Input
from trio_cartesia._pool.rest_log import RestLog
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.text.alignment import Alignment
from trio_cartesia._protocol.tts.messages import Event, WordTimestamps
from trio_cartesia._protocol.tts.settings import ContextOptions

__all__ = [
    "ALIGNED_WORDS",
    "LOSSES_WITHOUT_PROGRESS",
    "Resumption",
    "check_not_consumed",
    "resumable",
]

LOSSES_WITHOUT_PROGRESS: Final = 3
ALIGNED_WORDS: Final = 512  # after which an alignment begins anew
UNMATCHED_WORDS: Final = 3  # in a row, after which it is not known where the text goes on


@attrs.define(eq=False)
class Resumption:
    """Follows one utterance over the contexts that speak it.

    Attributes:
        log: The text that may have to be sent again.
        delivery: What of the present context was delivered.
        attempts: How often it was resumed.
        after_word: The last word that was delivered.
    """

    _format: SampleFormat
    log: RestLog = attrs.field(factory=RestLog, init=False)
    delivery: Delivery = attrs.field(init=False)
    attempts: int = attrs.field(default=0, init=False)
    after_word: str | None = attrs.field(default=None, init=False, repr=False)
    _losses: int = attrs.field(default=0, init=False)  # since a word was delivered
    _alignment: Alignment = attrs.field(factory=Alignment, init=False, repr=False)
    _aligned_from: int = attrs.field(default=0, init=False)  # offset of its text
    _words_before: int = attrs.field(default=0, init=False)  # words that came before its own

    def __attrs_post_init__(self) -> None:
        self.delivery = Delivery(self._format)

    def add_input(self, item: Input) -> None:
        """Note that an input is sent in the present context."""
        self.log.add(item)
        self._alignment.add_text(item.transcript)

    def remove_input(self, item: Input) -> None:
        """Note that an input was withdrawn."""
        self.log.remove(item)
        self._align_anew()

    def receive(self, event: Event) -> Iterator[Event]:
        """Take an event of the present context, and yield what is to be delivered."""
        delivery, words_before = self.delivery, self.delivery.words
        if isinstance(event, WordTimestamps):
            self._alignment.add_words(event.word_timestamps.words)
        yield from delivery.add(event)
        if not delivery.is_tracked:
            self.log.drop()
        elif delivery.words > words_before:
            self._losses, self.after_word = 0, delivery.last_word
            self.log.forget(self._delivered_offset)
            if self._aligned_words > ALIGNED_WORDS and self._is_matched:
                self._align_anew()

    def unspoken(self) -> tuple[str, ...]:
        """Return the texts from the first word that was not delivered."""
        return tuple(filter(None, self.log.texts_from(self._delivered_offset)))

    def may_resume(self) -> bool:
        """Tell whether the rest can be spoken after a loss, and is to be."""
        if not self.log.is_whole or self._losses + 1 >= LOSSES_WITHOUT_PROGRESS:
            return False
        self._alignment.finish(complete=False)  # no more words of this context will come
        return self._is_matched

    def cut(self) -> bool:
        """Go on in another context; return False if there is nothing left to speak."""
        if not self.log.cut(self._delivered_offset):
            return False
        self.delivery = self.delivery.next()
        self._losses += 1
        self.attempts += 1
        self._alignment, self._aligned_from, self._words_before = Alignment(), 0, 0
        self._add_texts(0)
        return True

    @property
    def _aligned_words(self) -> int:
        """How many words of the present alignment were delivered."""
        return self.delivery.words - self._words_before

    @property
    def _delivered_offset(self) -> int:
        """Where the last word that was delivered ends."""
        count = self._aligned_words
        return self._aligned_from + (self._alignment.span(count - 1)[1] if count else 0)

    @property
    def _is_matched(self) -> bool:
        """True if the words that were delivered last are in the text."""
        count = self._aligned_words
        spans = map(self._alignment.span, range(max(0, count - UNMATCHED_WORDS), count))
        return count == 0 or any(start < end for start, end in spans)

    def _align_anew(self) -> None:
        """Align what follows the words that were delivered, so as not to keep all of them."""
        offset = self._delivered_offset
        self._alignment, self._aligned_from = Alignment(), offset
        self._words_before = self.delivery.words
        self._add_texts(offset)
        self._alignment.add_words(self.delivery.waiting_words)

    def _add_texts(self, offset: int) -> None:
        for text in self.log.texts_from(offset):
            self._alignment.add_text(text)


def resumable(settings: ContextOptions) -> ContextOptions:
    """Return the settings of a context that may be resumed, with word times.

    Raises:
        LocalProtocolError: They exclude the word times that are needed.
    """
    if settings.get("add_timestamps") is False:
        raise LocalProtocolError(
            "resume=True needs word times, to know where to go on: leave out add_timestamps=False"
        )
    if settings.get("use_normalized_timestamps") is True:
        raise LocalProtocolError(
            "resume=True needs the words as they are written, to find them in the text: "
            "leave out use_normalized_timestamps=True"
        )
    return {**settings, "add_timestamps": True}


def check_not_consumed(pieces: object) -> None:
    """Check that there may be something in an iterator of pieces.

    Raises:
        LocalProtocolError: It is a generator that has ended.
    """
    frame = "ag_frame" if isinstance(pieces, AsyncGenerator) else "gi_frame"
    if getattr(pieces, frame, pieces) is None:
        raise LocalProtocolError(
            "the generator of pieces has ended: its text was consumed, so there is nothing to "
            "speak and to resume; make another one, or give the text as a str or a list"
        )

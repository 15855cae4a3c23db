"""The queue of text that a context has yet to speak (protocol §2.7, §2.8, §2.14).

Time is an argument; the module reads no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from enum import Enum, auto
from typing import Any, Final

import attrs

from trio_cartesia.server.messages.inputs import Delivery
from trio_cartesia.server.text.markup import Change, Markup, Pause, Span, Spelling, find_markup
from trio_cartesia.server.text.sentences import AHEAD, LONGEST, cut, first_piece, join_halves

__all__ = ["Mark", "Pause", "Sentence", "TextQueue"]

CHANGES_AT_ONCE: Final = 64  # tags without text between them, before other tasks run

_INK: Final = re.compile(r"\S")


class Mark(Enum):
    """A mark between two texts."""

    CUT = auto()  # between inputs that are spoken one by one; internal
    FLUSH = auto()
    END = auto()


@attrs.frozen
class Sentence:
    """A piece of text that is spoken at once.

    Attributes:
        text: Without tags; laughter and phonemes are as they were written.
        spelled: Whether it is read character by character.
        closes: False if the sentence continues after it, so that no pause follows.
        spans: The places of laughter and phonemes; text with the same characters that is no markup
            is not among them.
    """

    text: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")
    delivery: Delivery
    spelled: bool = False
    closes: bool = True
    spans: tuple[Span, ...] = ()


@attrs.define
class Input:
    """Waiting text from *start* on; if *spelling* is set, the text up to its end is spelled."""

    text: str
    at: float
    delivery: Delivery
    start: int = 0
    spelling: Spelling | None = None
    after_spelling: int = 0


class _Stop(Enum):
    """The kind of place at which the text that is ready for inspection ends."""

    UNKNOWN = auto()  # more text, now or later
    CLOSE = auto()  # a mark, or a pause
    SEAM = auto()  # a tag in the middle of a sentence, maybe


@attrs.define(eq=False)
class TextQueue:
    """The queue between the inputs of a context and its voice.

    With a delay, a sentence is ready when it is complete. An incomplete one is ready when its first
    character has waited for the delay, or when a mark follows it. Blanks alone are never ready by
    themselves. Without a delay, each input is ready at once and is followed by a flush mark.

    A tag is markup only if it is complete within one input. It ends the piece before it, which is
    then ready. The speed, volume or emotion of a tag applies until an input arrives whose delivery
    differs from that of the input before it; then the delivery of that input applies.

    A sentence that spans several inputs has the delivery of its first character. Text is parsed
    when it is taken, one piece at a time, so the cost of `write` does not depend on the text.

    Attributes:
        characters: The number of waiting characters, including those of tags.
    """

    delay_seconds: float
    auto_flush: bool = True
    characters: int = attrs.field(default=0, init=False)
    _waiting: deque[Input | Mark] = attrs.field(factory=deque, init=False)
    _input_delivery: Delivery | None = attrs.field(default=None, init=False)  # of the input
    _changes: dict[str, Any] = attrs.field(factory=dict, init=False)  # of tags

    def __len__(self) -> int:
        return len(self._waiting)

    def write(self, text: str, delivery: Delivery, now: float) -> None:
        """Append *text*, which was received at the time *now*."""
        if text := self._after_half(text):
            self.characters += len(text)
            self._waiting.append(Input(text, now, delivery))
        if not self.delay_seconds:
            self._waiting.append(Mark.FLUSH if self.auto_flush else Mark.CUT)

    def _after_half(self, text: str) -> str:
        """Join a surrogate pair that was split between the last input and *text*."""
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, Input):
            return text
        both = join_halves(last.text[-1] + text[:1])
        if len(both) == 2:
            return text
        last.text = last.text[:-1] + both
        return text[1:]

    def mark(self, mark: Mark) -> None:
        """Append *mark*, which makes all text before it ready."""
        self._waiting.append(mark)

    @property
    def due(self) -> float | None:
        """The time at which incomplete text becomes ready; None if there are only blanks."""
        for item in self._waiting:
            if isinstance(item, Input) and _INK.search(item.text, item.start):
                return self.delay_seconds + item.at
        return None

    def take(self, now: float) -> Sentence | Pause | Mark | None:
        """Remove and return the next item that is ready at the time *now*, if any.

        A pause of length 0 means that the caller should let other tasks run and call again.
        """
        changes = 0
        while self._waiting:
            first = self._waiting[0]
            if isinstance(first, Mark):
                self._waiting.popleft()
                if first is not Mark.CUT:
                    return first
                continue
            self._enter(first)
            markup = None if first.spelling else _control(first, first.start, first.start + 1)
            if markup is None:
                return self._take_text(first, now)
            changes += 1
            if pause := self._apply(first, markup, changes):
                return pause
        return None

    def _enter(self, item: Input) -> None:
        if item.delivery != self._input_delivery:
            self._input_delivery = item.delivery
            self._changes.clear()

    def _apply(self, item: Input, markup: Markup, changes: int) -> Pause | None:
        """Remove the first tag and apply it."""
        effect = markup.effect
        if isinstance(effect, Spelling) and effect.start < effect.end:
            item.spelling, item.after_spelling = effect, markup.end
            self._skip(item, effect.start)
            return None
        self._skip(item, markup.end)
        if isinstance(effect, Change):
            self._changes[effect.name] = effect.value
        if isinstance(effect, Pause):
            return effect
        return Pause(0) if changes >= CHANGES_AT_ONCE else None

    def _take_text(self, first: Input, now: float) -> Sentence | None:
        delivery = attrs.evolve(first.delivery, **self._changes)
        if first.spelling:
            text = first.text[first.start : first.spelling.end]
            size = len(text) if len(text) <= LONGEST else cut(text, LONGEST)
            self._consume(size)
            return Sentence(text[:size], delivery, spelled=True)
        text, stop, spans = self._ahead()
        size = first_piece(text, whole=stop is not _Stop.UNKNOWN)
        if not size:
            if (due := self.due) is None or due > now:
                return None
            size = len(text)
        size, inside = _around(size, spans)
        self._consume(size)
        closes = _is_closed(text[:size]) or (size == len(text) and stop is not _Stop.SEAM)
        return Sentence(text[:size], delivery, closes=closes, spans=inside)

    def _ahead(self) -> tuple[str, _Stop, list[Span]]:
        """Return at most `AHEAD` characters up to the next mark or tag, how they end, and spans."""
        parts: list[str] = []
        spans: list[Span] = []
        left = AHEAD
        for item in self._waiting:
            if isinstance(item, Mark):
                return "".join(parts), _Stop.CLOSE, spans
            stop = min(len(item.text), item.start + left)
            offset = AHEAD - left - item.start
            control = _control(item, item.start, stop, spans, offset)
            stop = stop if control is None else control.start
            parts.append(item.text[item.start : stop])
            if control is not None:
                is_pause = isinstance(control.effect, Pause)
                return "".join(parts), _Stop.CLOSE if is_pause else _Stop.SEAM, spans
            left -= len(parts[-1])
            if not left:
                break
        return "".join(parts), _Stop.UNKNOWN, spans

    def _skip(self, item: Input, end: int) -> None:
        """Drop the first input up to *end*."""
        self.characters -= end - item.start
        item.start = end
        if end == len(item.text):
            self._waiting.popleft()

    def _consume(self, count: int) -> None:
        while count:
            item = self._waiting[0]
            assert isinstance(item, Input)
            self._enter(item)
            size = min(count, len(item.text) - item.start)
            count -= size
            end = item.start + size
            if item.spelling and end == item.spelling.end:
                item.spelling, end = None, item.after_spelling
            self._skip(item, end)


def _control(
    item: Input, start: int, stop: int, spans: list[Span] | None = None, offset: int = 0
) -> Markup | None:
    """Find the first tag in a part of the input; add laughter and phonemes before it to *spans*."""
    while markup := find_markup(item.text, start, stop):
        if isinstance(markup.effect, (Pause, Change, Spelling)):
            return markup
        if spans is not None:
            spans.append(Span(offset + markup.start, offset + markup.end, markup.effect))
        start = markup.end
    return None


def _around(size: int, spans: list[Span]) -> tuple[int, tuple[Span, ...]]:
    """Move the cut at *size* before the span it falls into, or after a span that begins at 0."""
    for span in spans:
        if span.start < size < span.end:
            size = span.start or span.end
    return size, tuple(span for span in spans if span.end <= size)


def _is_closed(text: str) -> bool:
    """Return whether a reader would pause at the end of *text*."""
    inked = text.rstrip()
    return "\n" in text[len(inked) :] or (
        bool(inked) and unicodedata.category(inked[-1])[0] not in "LMN"
    )

"""
What one context still has to say, in order; and when (protocol §2.7, §2.8).

Nothing here knows a clock: time comes in as an argument.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from itertools import accumulate

import attrs

from .requests import Delivery
from .sentences import split, take_complete


class Mark(Enum):
    """
    A place between two texts.
    """

    FLUSH = auto()
    END = auto()


@attrs.frozen
class Sentence:
    """
    A piece of text that is spoken in one go.
    """

    text: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")
    delivery: Delivery


@attrs.define
class Arrival:
    """
    How the text that waits came in: so many characters, then, with these settings.
    """

    length: int
    at: float
    delivery: Delivery


@attrs.define(eq=False)
class Script:
    """
    Collects the inputs of a context and hands out what is ready to be spoken.

    With a delay, buffering is managed: sentences are ready when they are complete, and the rest
    when its first character has waited for so long, or at a mark. Blanks alone are never due.
    Without a delay each input is ready as it comes, and is followed by a flush mark.

    A sentence that came in several inputs is delivered as its first character was.
    """

    delay_seconds: float
    auto_flush: bool = True
    characters: int = attrs.field(default=0, init=False)
    _ready: deque[Sentence | Mark] = attrs.field(factory=deque, init=False)
    _rest: str = attrs.field(default="", init=False)
    _arrivals: deque[Arrival] = attrs.field(factory=deque, init=False)

    def write(self, text: str, delivery: Delivery, now: float) -> None:
        """
        Add *text*, which came at the time *now*, verbatim to what was there.
        """
        self.characters += len(text)
        self._arrivals.append(Arrival(len(text), now, delivery))
        self._rest += text
        if self.delay_seconds:
            complete, self._rest = take_complete(self._rest)
            self._release(complete)
        else:
            self._seal()
            if self.auto_flush:
                self._ready.append(Mark.FLUSH)

    def mark(self, mark: Mark) -> None:
        """
        Make everything that was written ready, followed by *mark*.
        """
        self._seal()
        self._ready.append(mark)

    @property
    def due(self) -> float | None:
        """
        When the rest becomes ready by itself; None if there is nothing to say in it.
        """
        blanks = len(self._rest) - len(self._rest.lstrip())
        if blanks == len(self._rest):
            return None
        ends = accumulate(arrival.length for arrival in self._arrivals)
        came = zip(self._arrivals, ends, strict=True)
        return self.delay_seconds + next(arrival.at for arrival, end in came if blanks < end)

    def take(self, now: float) -> Sentence | Mark | None:
        """
        Take the next thing that is ready at the time *now*, if any.
        """
        if not self._ready and (due := self.due) is not None and due <= now:
            self._seal()
        if not self._ready:
            return None
        item = self._ready.popleft()
        if isinstance(item, Sentence):
            self.characters -= len(item.text)
        return item

    def _seal(self) -> None:
        text, self._rest = self._rest, ""
        self._release(text)

    def _release(self, text: str) -> None:
        for sentence in split(text):
            self._ready.append(Sentence(sentence, self._arrivals[0].delivery))
            self._forget(len(sentence))

    def _forget(self, count: int) -> None:
        while self._arrivals and count >= self._arrivals[0].length:
            count -= self._arrivals.popleft().length
        if count:
            self._arrivals[0].length -= count

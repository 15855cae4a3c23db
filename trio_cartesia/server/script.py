"""
What one context still has to say, in order; and when (protocol §2.7, §2.8).

Nothing here knows a clock: time comes in as an argument.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum, auto
from typing import Final

import attrs

from .requests import Delivery
from .sentences import AHEAD, first_piece, join_halves

_INK: Final = re.compile(r"\S")


class Mark(Enum):
    """
    A place between two texts.
    """

    CUT = auto()  # between inputs that are spoken one by one; nobody hears of it
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
class Input:
    """
    Text that waits, from *start* on.
    """

    text: str
    at: float
    delivery: Delivery
    start: int = 0


@attrs.define(eq=False)
class Script:
    """
    Collects the inputs of a context and hands out what is ready to be spoken.

    With a delay, buffering is managed: sentences are ready when they are complete, and the rest
    when its first character has waited for so long, or at a mark. Blanks alone are never due.
    Without a delay each input is ready as it comes, and is followed by a flush mark.

    A sentence that came in several inputs is delivered as its first character was. Text is kept
    as it came until it is taken, a piece at a time, so that whoever writes never waits for it.

    Attributes:
        characters: How many wait.
    """

    delay_seconds: float
    auto_flush: bool = True
    characters: int = attrs.field(default=0, init=False)
    _waiting: deque[Input | Mark] = attrs.field(factory=deque, init=False)

    def __len__(self) -> int:
        return len(self._waiting)

    def write(self, text: str, delivery: Delivery, now: float) -> None:
        """
        Add *text*, which came at the time *now*, verbatim to what was there.
        """
        if text := self._after_half(text):
            self.characters += len(text)
            self._waiting.append(Input(text, now, delivery))
        if not self.delay_seconds:
            self._waiting.append(Mark.FLUSH if self.auto_flush else Mark.CUT)

    def _after_half(self, text: str) -> str:
        """
        Give the last input the other half of its last character, if *text* begins with that.
        """
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, Input):
            return text
        both = join_halves(last.text[-1] + text[:1])
        if len(both) == 2:
            return text
        last.text = last.text[:-1] + both
        return text[1:]

    def mark(self, mark: Mark) -> None:
        """
        Make everything that was written ready, followed by *mark*.
        """
        self._waiting.append(mark)

    @property
    def due(self) -> float | None:
        """
        When what nobody could take yet becomes ready by itself; None if it says nothing.
        """
        for item in self._waiting:
            if isinstance(item, Input) and _INK.search(item.text, item.start):
                return self.delay_seconds + item.at
        return None

    def take(self, now: float) -> Sentence | Mark | None:
        """
        Take the next thing that is ready at the time *now*, if any.
        """
        while self._waiting and self._waiting[0] is Mark.CUT:
            self._waiting.popleft()
        if not self._waiting:
            return None
        first = self._waiting[0]
        if isinstance(first, Mark):
            self._waiting.popleft()
            return first
        text, is_whole = self._ahead()
        size = first_piece(text, whole=is_whole)
        if not size:
            if (due := self.due) is None or due > now:
                return None
            size = len(text)
        self._forget(size)
        return Sentence(text[:size], first.delivery)

    def _ahead(self) -> tuple[str, bool]:
        """
        Return as much of the text up to the next mark as matters, and whether that is all of it.
        """
        parts: list[str] = []
        left = AHEAD
        for item in self._waiting:
            if isinstance(item, Mark):
                return "".join(parts), True
            parts.append(item.text[item.start : item.start + left])
            left -= len(parts[-1])
            if not left:
                break
        return "".join(parts), False

    def _forget(self, count: int) -> None:
        self.characters -= count
        while count:
            item = self._waiting[0]
            assert isinstance(item, Input)
            size = min(count, len(item.text) - item.start)
            item.start += size
            count -= size
            if item.start == len(item.text):
                self._waiting.popleft()

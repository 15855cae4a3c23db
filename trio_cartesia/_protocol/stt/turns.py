"""The order of a turn's events, as a table (protocol §4.4), and what is known of a turn.

`TRANSITIONS` is data: tests walk it, and the documentation's table is written from it. It allows
updates between an eager end and what follows, and an end or eager end may come without text; the
protocol leaves both open.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from trio_cartesia._errors import RemoteProtocolError

__all__ = [
    "TRANSITIONS",
    "TurnProgress",
    "TurnSequence",
    "TurnState",
    "TurnStep",
    "advance",
    "same_words",
]


class TurnState(enum.Enum):
    """Where in a turn the session is."""

    BETWEEN = "between turns"
    SPEAKING = "in a turn"
    PAUSED = "after an eager end"


class TurnStep(enum.Enum):
    """An event that belongs to a turn, by its ``type``, or the end of the session."""

    START = "turn.start"
    UPDATE = "turn.update"
    EAGER_END = "turn.eager_end"
    RESUME = "turn.resume"
    END = "turn.end"
    CUT = "the end of the session"


TRANSITIONS: Final[Mapping[tuple[TurnState, TurnStep], TurnState]] = MappingProxyType(
    {
        (TurnState.BETWEEN, TurnStep.START): TurnState.SPEAKING,
        (TurnState.BETWEEN, TurnStep.CUT): TurnState.BETWEEN,
        (TurnState.SPEAKING, TurnStep.UPDATE): TurnState.SPEAKING,
        (TurnState.SPEAKING, TurnStep.EAGER_END): TurnState.PAUSED,
        (TurnState.SPEAKING, TurnStep.END): TurnState.BETWEEN,
        (TurnState.SPEAKING, TurnStep.CUT): TurnState.BETWEEN,
        (TurnState.PAUSED, TurnStep.UPDATE): TurnState.PAUSED,  # protocol §7.2 S9
        (TurnState.PAUSED, TurnStep.RESUME): TurnState.SPEAKING,
        (TurnState.PAUSED, TurnStep.END): TurnState.BETWEEN,
        (TurnState.PAUSED, TurnStep.CUT): TurnState.BETWEEN,
    }
)


def advance(state: TurnState, step: TurnStep) -> TurnState:
    """Return the state that *step* leads to.

    Raises:
        RemoteProtocolError: The step is not possible in *state*.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        allowed = (to.value for from_, to in TRANSITIONS if from_ is state)
        possible = ", ".join(name for name in allowed if name != TurnStep.CUT.value)
        raise RemoteProtocolError(
            f"the service sent {step.value} {state.value}, where only {possible} may come"
        ) from None


@attrs.define(eq=False)
class TurnProgress:
    """What is known of one turn.

    Attributes:
        text: The latest text. Later text replaces earlier text; an event without text, or with an
            empty one, leaves it as it is (protocol §7.2 S8).
        state: `TurnState.BETWEEN` once the turn is over.
        resumes: How often an eager end was withdrawn.
        is_complete: True if the service ended the turn.
        has_gap: True if a part of its audio, or the audio before it, was not transcribed.
    """

    text: str = attrs.field(default="", init=False, repr=False)
    state: TurnState = attrs.field(default=TurnState.SPEAKING, init=False)
    resumes: int = attrs.field(default=0, init=False)
    is_complete: bool = attrs.field(default=False, init=False)
    has_gap: bool = False

    @property
    def is_over(self) -> bool:
        """True once the turn has ended, be it by the service or with the session."""
        return self.state is TurnState.BETWEEN

    @property
    def is_paused(self) -> bool:
        """True from an eager end until a resume or the end."""
        return self.state is TurnState.PAUSED

    def receive(self, step: TurnStep, transcript: str | None, *, is_complete: bool = True) -> None:
        """Take in the next step of the turn, with the text of its event."""
        self.state = advance(self.state, step)
        self.text = transcript or self.text
        self.resumes += step is TurnStep.RESUME
        self.is_complete = step is TurnStep.END and is_complete


@attrs.define(eq=False)
class TurnSequence:
    """The turns of a session, one after the other.

    Attributes:
        turn: The current turn, or the last one; None before the first.
    """

    turn: TurnProgress | None = attrs.field(default=None, init=False)
    _is_after_gap: bool = attrs.field(default=False, init=False)

    def note_gap(self) -> None:
        """Note that audio of the current turn was not transcribed, or audio before the next one."""
        if self.turn is None or self.turn.is_over:
            self._is_after_gap = True
        else:
            self.turn.has_gap = True

    def receive(
        self, step: TurnStep, transcript: str | None = None, *, is_complete: bool = True
    ) -> TurnProgress:
        """Take in the next step; return the turn that it belongs to.

        Raises:
            RemoteProtocolError: The step is not possible here; nothing has changed.
        """
        if self.turn is None or self.turn.is_over:
            advance(TurnState.BETWEEN, step)
            self.turn, self._is_after_gap = TurnProgress(has_gap=self._is_after_gap), False
        else:
            self.turn.receive(step, transcript, is_complete=is_complete)
        return self.turn

    def cut(self) -> TurnProgress | None:
        """End the current turn with the text that came, since the session has ended; return it."""
        if self.turn is None or self.turn.is_over:
            return None
        self.turn.receive(TurnStep.CUT, None)
        return self.turn


def same_words(one: str, other: str) -> bool:
    """Return whether two texts differ at most in case, punctuation and white space."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    text = unicodedata.normalize("NFC", text.casefold())
    return "".join(each if _is_in_word(each) else " " for each in text).split()


def _is_in_word(character: str) -> bool:
    # marks, too: they are the vowels of many scripts, such as that of Hindi
    return character.isalnum() or unicodedata.category(character).startswith("M")

"""
The life of one context, as a table (protocol §2.4, seen from the client).

`TRANSITIONS` is data: tests walk it, and the documentation's diagram is drawn from it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trio_cartesia._errors import LocalProtocolError

__all__ = ["TRANSITIONS", "End", "State", "Step", "advance"]


class State(enum.Enum):
    """Where a context stands."""

    NEW = "new"  # nothing was sent, so the service does not know it
    OPEN = "open"
    HALF_CLOSED = "half-closed"  # its final input was sent
    DRAINING = "draining"  # cancelled; late events are dropped
    CLOSED = "closed"


class Step(enum.Enum):
    """What may happen to a context."""

    SEND = "send"
    SEND_LAST = "send last"
    CANCEL = "cancel"
    HEAR = "hear"
    HEAR_DONE = "hear done"
    HEAR_ERROR = "hear error"
    LOSE = "lose"  # the connection has ended, or a tombstone is too old


class End(enum.Enum):
    """How a context ended."""

    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"


TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = MappingProxyType(
    {
        (State.NEW, Step.SEND): State.OPEN,
        (State.NEW, Step.SEND_LAST): State.CLOSED,  # nothing to end: nothing is sent (§2.6)
        (State.NEW, Step.CANCEL): State.CLOSED,  # nothing to cancel: nothing is sent (§2.9)
        (State.NEW, Step.LOSE): State.CLOSED,
        (State.OPEN, Step.SEND): State.OPEN,
        (State.OPEN, Step.SEND_LAST): State.HALF_CLOSED,
        (State.OPEN, Step.CANCEL): State.DRAINING,
        (State.OPEN, Step.HEAR): State.OPEN,
        (State.OPEN, Step.HEAR_DONE): State.CLOSED,  # expiry (§2.10)
        (State.OPEN, Step.HEAR_ERROR): State.CLOSED,
        (State.OPEN, Step.LOSE): State.CLOSED,
        (State.HALF_CLOSED, Step.CANCEL): State.DRAINING,
        (State.HALF_CLOSED, Step.HEAR): State.HALF_CLOSED,
        (State.HALF_CLOSED, Step.HEAR_DONE): State.CLOSED,
        (State.HALF_CLOSED, Step.HEAR_ERROR): State.CLOSED,
        (State.HALF_CLOSED, Step.LOSE): State.CLOSED,
        (State.DRAINING, Step.HEAR): State.DRAINING,
        (State.DRAINING, Step.HEAR_DONE): State.CLOSED,
        (State.DRAINING, Step.HEAR_ERROR): State.CLOSED,
        (State.DRAINING, Step.LOSE): State.CLOSED,
    }
)


def advance(state: State, step: Step) -> State:
    """
    Return the state that *step* leads to.

    Raises:
        LocalProtocolError: The step is not possible in *state*.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise LocalProtocolError(f"cannot {step.value} while {state.value}") from None

"""The life of one context, as a table (protocol §2.4, seen from the client).

`TRANSITIONS` is data: tests walk it, and the documentation's diagram is drawn from it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from trio_cartesia._errors import LocalProtocolError

__all__ = ["TRANSITIONS", "End", "State", "Trigger", "advance"]


class State(enum.Enum):
    """The state of a context."""

    NEW = "new"  # nothing was sent, so the service does not know it
    OPEN = "open"
    HALF_CLOSED = "half-closed"  # its final input was sent
    DRAINING = "draining"  # cancelled; late events are dropped
    CLOSED = "closed"


class Trigger(enum.Enum):
    """An event that may change the state of a context."""

    SEND = "send"
    SEND_LAST = "send last"
    CANCEL = "cancel"
    RECEIVE = "receive"
    RECEIVE_DONE = "receive done"
    RECEIVE_ERROR = "receive error"
    LOSE = "lose"  # the connection has ended, or a tombstone is too old


class End(enum.Enum):
    """The way in which a context ended."""

    DONE = "done"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = MappingProxyType(
    {
        (State.NEW, Trigger.SEND): State.OPEN,
        (State.NEW, Trigger.SEND_LAST): State.CLOSED,  # nothing to end: nothing is sent (§2.6)
        (State.NEW, Trigger.CANCEL): State.CLOSED,  # nothing to cancel: nothing is sent (§2.9)
        (State.NEW, Trigger.LOSE): State.CLOSED,
        (State.OPEN, Trigger.SEND): State.OPEN,
        (State.OPEN, Trigger.SEND_LAST): State.HALF_CLOSED,
        (State.OPEN, Trigger.CANCEL): State.DRAINING,
        (State.OPEN, Trigger.RECEIVE): State.OPEN,
        (State.OPEN, Trigger.RECEIVE_DONE): State.CLOSED,  # expiry (§2.10)
        (State.OPEN, Trigger.RECEIVE_ERROR): State.CLOSED,
        (State.OPEN, Trigger.LOSE): State.CLOSED,
        (State.HALF_CLOSED, Trigger.CANCEL): State.DRAINING,
        (State.HALF_CLOSED, Trigger.RECEIVE): State.HALF_CLOSED,
        (State.HALF_CLOSED, Trigger.RECEIVE_DONE): State.CLOSED,
        (State.HALF_CLOSED, Trigger.RECEIVE_ERROR): State.CLOSED,
        (State.HALF_CLOSED, Trigger.LOSE): State.CLOSED,
        (State.DRAINING, Trigger.RECEIVE): State.DRAINING,
        (State.DRAINING, Trigger.RECEIVE_DONE): State.CLOSED,
        (State.DRAINING, Trigger.RECEIVE_ERROR): State.CLOSED,
        (State.DRAINING, Trigger.LOSE): State.CLOSED,
    }
)


def advance(state: State, step: Trigger) -> State:
    """Return the state that *step* leads to.

    Raises:
        LocalProtocolError: The step is not possible in *state*.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError:
        raise LocalProtocolError(f"cannot {step.value} while {state.value}") from None

"""The life of one session, as a table (protocol §4.3, §4.4, seen from the client)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["TRANSITIONS", "State", "Trigger"]


class State(enum.Enum):
    """The state of a session."""

    OPEN = "open"
    DRAINING = "draining"  # ``close`` was sent; the service transcribes the rest
    DONE = "done"  # all audio was transcribed
    LOST = "lost"  # the connection ended before that


class Trigger(enum.Enum):
    """An event that may change the state of a session."""

    SEND_CLOSE = "send close"
    RECEIVE_DONE = "receive done"
    END = "end"  # the service closed a connection whose end is that of the session
    LOSE = "lose"  # the connection has ended in any other way
    RECONNECT = "reconnect"  # it has, and another one takes its place


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = MappingProxyType(
    {
        (State.OPEN, Trigger.SEND_CLOSE): State.DRAINING,
        (State.OPEN, Trigger.RECEIVE_DONE): State.LOST,  # nobody has asked for it
        (State.OPEN, Trigger.END): State.LOST,
        (State.OPEN, Trigger.LOSE): State.LOST,
        (State.OPEN, Trigger.RECONNECT): State.OPEN,
        (State.DRAINING, Trigger.RECEIVE_DONE): State.DONE,
        (State.DRAINING, Trigger.END): State.DONE,
        (State.DRAINING, Trigger.LOSE): State.LOST,
        (State.DRAINING, Trigger.RECONNECT): State.OPEN,  # ``close`` is sent again
        (State.DONE, Trigger.RECEIVE_DONE): State.DONE,
        (State.DONE, Trigger.END): State.DONE,
        (State.DONE, Trigger.LOSE): State.DONE,
        (State.LOST, Trigger.RECEIVE_DONE): State.LOST,
        (State.LOST, Trigger.END): State.LOST,
        (State.LOST, Trigger.LOSE): State.LOST,
        (State.LOST, Trigger.RECONNECT): State.OPEN,  # of a ``done`` that nobody has asked for
    }
)

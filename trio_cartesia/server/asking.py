"""
What one request may ask to be different: ways of the service, and trouble.
"""

from __future__ import annotations

from .behaviour import Behaviour
from .faults import Fault
from .http import Request

__all__ = ["asked_behaviour", "asked_faults"]


def asked_behaviour(behaviour: Behaviour, request: Request) -> Behaviour:
    """
    Return *behaviour* with what *request* asks to be different.

    Raises:
        Refused: There is no such field, or no such value.
    """
    return behaviour


def asked_faults(request: Request) -> tuple[Fault, ...]:
    """
    Return the faults that *request* asks for.

    Raises:
        Refused: There is no such fault.
    """
    return ()

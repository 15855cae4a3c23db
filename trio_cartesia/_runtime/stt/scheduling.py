"""Let other tasks run after some messages that left at once, rather than after each.

Trio asks of a call that it can be cancelled and that it lets others run. For audio that the socket
took at once, the first holds for each call and the second for one in `SENDS_IN_A_ROW` of a thread,
whichever sessions they are of: a turn of the scheduler costs as much as the message, and a task
that sends audio in time waits between its calls anyway.
"""

from __future__ import annotations

import threading
from typing import Final

__all__ = ["SENDS_IN_A_ROW", "is_turn_of_others"]

SENDS_IN_A_ROW: Final = 16  # that did not wait, before other tasks have their turn: half a ms


class _Sends(threading.local):
    """The messages of a thread since other tasks had their turn."""

    count = 0


_sends: Final = _Sends()


def is_turn_of_others() -> bool:
    """Count a message that left at once; return whether other tasks have their turn after it."""
    _sends.count += 1
    if _sends.count < SENDS_IN_A_ROW:
        return False
    _sends.count = 0
    return True

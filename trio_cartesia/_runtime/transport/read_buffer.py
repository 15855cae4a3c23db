"""
Room for one read, which is copied from before anybody else has a turn.

A connection that kept its own would hold it for as long as it lives, and most of the time for
nothing. So all connections of a thread share one: nothing may be awaited between the read and the
copy.
"""

from __future__ import annotations

import threading
from typing import Final

__all__ = ["room"]

ROOM_BYTES: Final = 256 * 2**10  # of one read, where no more is asked for


class _Rooms(threading.local):
    def __init__(self) -> None:
        self.room = memoryview(bytearray(ROOM_BYTES))


_rooms: Final = _Rooms()


def room(max_bytes: int | None) -> memoryview:
    """Return room for *max_bytes*, or for `ROOM_BYTES` if that is less; what it holds is old."""
    return _rooms.room[:max_bytes]

"""
For tests of what is built on `trio_cartesia`: peers in memory, virtual time, cancelled steps.

What needs Hypothesis is imported when it is asked for: `TrioStateMachine`, and the strategies in
`trio_cartesia.testing.strategies`. The acts of a `Script` are in `trio_cartesia.testing.script`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_cartesia.testing.links import Link as Link
from trio_cartesia.testing.memory_streams import MemoryStream as MemoryStream
from trio_cartesia.testing.memory_streams import bounded_stream_pair as bounded_stream_pair
from trio_cartesia.testing.peer import Peer as Peer
from trio_cartesia.testing.peer import StreamServer as StreamServer
from trio_cartesia.testing.peer import connect_in_memory as connect_in_memory
from trio_cartesia.testing.peer import connected_pair as connected_pair
from trio_cartesia.testing.script import Script as Script
from trio_cartesia.testing.steps import cancelled_at_each_step as cancelled_at_each_step
from trio_cartesia.testing.steps import on_virtual_time as on_virtual_time

if TYPE_CHECKING:
    from trio_cartesia.testing.machine import TrioStateMachine as TrioStateMachine


def __getattr__(name: str) -> object:
    if name == "TrioStateMachine":
        from trio_cartesia.testing.machine import TrioStateMachine

        return TrioStateMachine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

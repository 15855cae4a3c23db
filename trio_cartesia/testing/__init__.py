"""
For tests of what is built on `trio_cartesia`: peers in memory, virtual time, cancelled steps.
"""

from __future__ import annotations

from trio_cartesia.testing.peer import Peer as Peer
from trio_cartesia.testing.peer import StreamServer as StreamServer
from trio_cartesia.testing.peer import connect_in_memory as connect_in_memory
from trio_cartesia.testing.peer import connected_pair as connected_pair
from trio_cartesia.testing.steps import cancelled_at_each_step as cancelled_at_each_step
from trio_cartesia.testing.steps import on_virtual_time as on_virtual_time
from trio_cartesia.testing.streams import MemoryStream as MemoryStream
from trio_cartesia.testing.streams import bounded_stream_pair as bounded_stream_pair

"""The public names of `trio_cartesia.testing`, all of which it loads when the first one is used."""

from __future__ import annotations

from trio_cartesia.testing.links import Link as Link
from trio_cartesia.testing.memory_streams import MemoryStream as MemoryStream
from trio_cartesia.testing.memory_streams import bounded_stream_pair as bounded_stream_pair
from trio_cartesia.testing.peer import Peer as Peer
from trio_cartesia.testing.peer import StreamServer as StreamServer
from trio_cartesia.testing.peer import client_with_peers as client_with_peers
from trio_cartesia.testing.peer import connect_in_memory as connect_in_memory
from trio_cartesia.testing.peer import connected_pair as connected_pair
from trio_cartesia.testing.script import Script as Script
from trio_cartesia.testing.service_thread import ServiceThread as ServiceThread
from trio_cartesia.testing.service_thread import service_in_thread as service_in_thread
from trio_cartesia.testing.steps import cancelled_at_each_step as cancelled_at_each_step
from trio_cartesia.testing.steps import on_virtual_time as on_virtual_time

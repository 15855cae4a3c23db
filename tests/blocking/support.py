"""A blocking connection whose other end does what a test makes it do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import trio
import trio.testing

from trio_cartesia._constructors import create
from trio_cartesia.blocking import Connection
from trio_cartesia.blocking.portal import Portal
from trio_cartesia.testing import MemoryStream, Peer, connected_pair


class _Pair:
    """Stands for a client: its block is that of a connection and a peer in memory."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._manager = connected_pair(**options)

    async def __aenter__(self) -> None:
        self.connection, self.peer = await self._manager.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        await self._manager.__aexit__(None, None, None)  # noqa: ASYNC102  # a client's, likewise


@attrs.frozen
class BlockingPair:
    """A blocking connection, and its peer."""

    portal: Portal
    connection: Connection
    _peer: Peer

    def peer(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method of the peer."""
        return self.portal.run(getattr(self._peer, name), *args, **kwargs)

    @property
    def stream(self) -> MemoryStream:
        """The peer's end."""
        return self._peer.stream

    def settle(self) -> None:
        """Wait until Trio has nothing to do."""
        self.portal.run(trio.testing.wait_all_tasks_blocked)

    def interrupt_when_blocked(self) -> None:
        """Send Ctrl-C to the main thread once Trio has had nothing to do for a while."""

        async def interrupt() -> None:
            await trio.testing.wait_all_tasks_blocked(0.01)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        self.portal.run_sync(self.portal.nursery.start_soon, interrupt)


@contextmanager
def blocking_pair(**options: Any) -> Iterator[BlockingPair]:
    """Connect in memory, in a Trio thread, for the block."""
    pair = _Pair(options)
    portal = Portal(pair)
    portal.start()
    try:
        yield BlockingPair(portal, create(Connection, portal, pair.connection), pair.peer)
    finally:
        portal.run_sync(trio.lowlevel.spawn_system_task, _read_on, pair.peer)
        portal.stop()
        portal.join()


async def _read_on(peer: Peer) -> None:
    """Receive what is left, so that the peer sees the client's close."""
    with suppress(trio.EndOfChannel):
        while True:
            await peer.receive()

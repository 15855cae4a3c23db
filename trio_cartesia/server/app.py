"""
The local service as a whole: where it listens, what it shares, and how it stops.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final

import attrs
import trio

from .._nursery import open_service_nursery
from .accounts import PLANS, Plan
from .behaviour import Behaviour
from .credentials import Credentials
from .exchange import Service
from .faults import Fault
from .journal import Journal
from .routes import serve_requests
from .streams import hang_up
from .voice import Voice, default_voice, open_voice

__all__ = ["Server", "open_server", "serve"]

logger = logging.getLogger("trio_cartesia.server")
logger.addHandler(logging.NullHandler())

DEFAULT_BEHAVIOUR: Final = Behaviour()


@attrs.define(eq=False, repr=False)
class Server:
    """
    A service that runs.

    Attributes:
        url: Where this machine reaches it, as ``http://127.0.0.1:8080``; ``http://localhost`` if
            it listens nowhere.
    """

    _service: Service
    url: str
    _scopes: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)

    def __repr__(self) -> str:
        return f"<Server {self.url}, {len(self._scopes)} connections>"

    @property
    def websocket_url(self) -> str:
        """
        The same address for WebSockets.
        """
        return self.url.replace("http", "ws", 1)

    @property
    def journal(self) -> Journal:
        """
        What was asked and what was spoken.
        """
        return self._service.journal

    @property
    def voice(self) -> Voice:
        """
        Who speaks.
        """
        return self._service.voice

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """
        Serve one connection over *stream*, whatever it is made of, and close it.

        It returns when the connection is over or the server stops. What goes wrong inside is
        logged, and ends this connection alone.
        """
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._is_stopped:
                scope.cancel("the server has stopped")
            try:
                await serve_requests(self._service, stream)
                await hang_up(stream)
            except* Exception:  # a bug that one peer found must not take the others with it
                logger.exception("a connection's handler crashed")
            finally:
                self._scopes.discard(scope)
                await trio.aclose_forcefully(stream)

    def _stop(self) -> None:
        self._is_stopped = True
        for scope in self._scopes:
            scope.cancel("the server stops")


@asynccontextmanager
async def open_server(
    *,
    host: str = "127.0.0.1",
    port: int | None = 0,
    voice: Voice | str | None = None,
    api_keys: Collection[str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
) -> AsyncIterator[Server]:
    """
    Run a service for as long as the block lasts.

    Leaving the block ends all connections, within a fraction of a second.

    Args:
        host: The address to listen on; only this machine can reach the default.
        port: 0 for one that is free; None to listen nowhere and serve streams alone.
        voice: A voice or its name; the best that is installed if None.
        api_keys: Who may come in. If None, any credential is accepted and none is needed.
        behaviour: What to do where the protocol is open.
        faults: What is to go wrong, with every connection.
        plan: What each account may do at once: a plan, or the name of one (protocol §1.8).

    Raises:
        OSError: The address cannot be had.
        ValueError: There is no such voice.

    Example::

        import trio
        from trio_cartesia import Cartesia
        from trio_cartesia.server import open_server

        async def main():
            async with open_server() as server, Cartesia(base_url=server.url) as client:
                async with client.tts.websocket_connect() as connection:
                    assert not connection.statistics().is_lost
                assert len(server.journal.connections) == 1

        trio.run(main)
    """
    chosen = open_voice(voice) if isinstance(voice, str) else voice or default_voice()
    service = Service(
        voice=chosen,
        behaviour=behaviour,
        journal=Journal(),
        faults=tuple(faults),
        credentials=Credentials.of(api_keys, _plan(plan)),
    )
    listeners = [] if port is None else await trio.open_tcp_listeners(port, host=host)
    server = Server(service, _url(listeners))
    async with open_service_nursery() as nursery:
        if listeners:
            await nursery.start(trio.serve_listeners, server.serve_stream, listeners)
        try:
            yield server
        finally:
            server._stop()


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    voice: Voice | str | None = None,
    api_keys: Collection[str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
    task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED,
) -> None:
    """
    Run a service until cancelled. `nursery.start` returns the `Server`.

    The arguments are those of `open_server`.
    """
    async with open_server(
        host=host,
        port=port,
        voice=voice,
        api_keys=api_keys,
        behaviour=behaviour,
        faults=faults,
        plan=plan,
    ) as server:
        task_status.started(server)
        await trio.sleep_forever()


def _plan(plan: Plan | str) -> Plan:
    if isinstance(plan, Plan):
        return plan
    if plan not in PLANS:
        raise ValueError(f"no plan is called {plan!r}; there are {', '.join(PLANS)}")
    return PLANS[plan]


def _url(listeners: list[trio.SocketListener]) -> str:
    if not listeners:
        return "http://localhost"
    host, port, *_ = listeners[0].socket.getsockname()
    address = ip_address(host)
    if address.is_unspecified:  # all addresses, of which a client on this machine needs one
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

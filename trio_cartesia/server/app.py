"""Start and stop the local service, and serve its connections."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia.server.access.credentials import Credentials
from trio_cartesia.server.access.plans import Plan
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.net.certificates import TLSConfig, open_tls
from trio_cartesia.server.net.listeners import (
    accept_connections,
    host_names,
    open_listeners,
    server_urls,
)
from trio_cartesia.server.net.tls import (
    PlainHTTP,
    TLSFailed,
    close_tls,
    handshake,
    wrap_server_stream,
)
from trio_cartesia.server.routes import refuse_plain_http, serve_requests
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.streams import is_out_of_resources, lingering_close
from trio_cartesia.server.voices.interface import Voice
from trio_cartesia.server.voices.opening import default_voice, open_voice

__all__ = ["Server", "open_server", "serve"]

logger = logging.getLogger("trio_cartesia.server")
logger.addHandler(logging.NullHandler())

DEFAULT_BEHAVIOUR: Final = Behaviour()


@no_public_constructor("open_server()")
@attrs.define(eq=False, repr=False, init=False)
class Server:
    """A running service.

    Attributes:
        urls: First `url`; then those with the names in ``tls_names``, for other machines.
    """

    _state: ServerState
    urls: tuple[str, ...]
    _tls: TLSConfig | None = None
    _scopes: set[trio.CancelScope] = attrs.field(factory=set, init=False)
    _is_stopped: bool = attrs.field(default=False, init=False)

    def __repr__(self) -> str:
        return f"<Server {self.url}, {len(self._scopes)} connections>"

    @property
    def url(self) -> str:
        """The URL for clients on this machine, such as ``http://127.0.0.1:8080``.

        It is ``http://localhost`` if the service listens nowhere.
        """
        return self.urls[0]

    @property
    def websocket_url(self) -> str:
        """The same URL for WebSockets."""
        return self.url.replace("http", "ws", 1)

    @property
    def ca_file(self) -> Path | None:
        """The certificate for clients to trust, in PEM; None without an authority of its own."""
        return self._tls.ca_file if self._tls else None

    @property
    def journal(self) -> Journal:
        """A record of the requests, and of the speech that was sent."""
        return self._state.journal

    @property
    def voice(self) -> Voice:
        """The voice that speaks."""
        return self._state.voice

    async def serve_stream(self, stream: trio.abc.Stream, *, tls: bool = False) -> None:
        """Serve one connection over *stream*, and close it.

        Returns when the connection is over or the server stops. An error inside is logged and ends
        this connection alone.

        Args:
            stream: Any stream, including a `trio.SSLStream` of the server's side.
            tls: Whether the client starts with a TLS handshake, as it does on the server's port.

        Raises:
            ValueError: The server has no TLS.
        """
        if tls:
            if self._tls is None:
                raise ValueError("this server has no TLS: use open_server(tls=True)")
            stream = wrap_server_stream(stream, self._tls.context)
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._is_stopped:
                scope.cancel("the server has stopped")
            try:
                await self._serve(stream)
            except* Exception as group:  # noqa: BLE001  # it must not affect other clients
                _log_crash(group)
            finally:
                self._scopes.discard(scope)
                await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        if not isinstance(stream, trio.SSLStream):
            if await self._serve_http(stream):
                await lingering_close(stream)
            return
        try:
            await handshake(stream)
            if not await self._serve_http(stream):
                return
        except PlainHTTP:
            await refuse_plain_http(self._state, stream.transport_stream)
        except TLSFailed:
            return
        await lingering_close(await close_tls(stream))

    async def _serve_http(self, stream: trio.abc.Stream) -> bool:
        """Serve requests; return False if a fault has ended the stream in its own way."""
        async with open_service_nursery() as nursery:
            faulty = FaultyStream(stream, nursery)
            await serve_requests(self._state, faulty)
            await faulty.drain()
        return not faulty.has_ended

    def _stop(self) -> None:
        self._is_stopped = True
        for scope in self._scopes:
            scope.cancel("the server stops")


def _log_crash(group: BaseExceptionGroup[Exception]) -> None:
    crashes, exhausted = group.split(lambda error: not is_out_of_resources(error))
    if exhausted is not None and crashes is None:
        logger.error("a connection was closed: the process is out of files or memory")
    else:
        logger.error("a connection's handler crashed", exc_info=group)


@asynccontextmanager
async def open_server(
    *,
    host: str = "127.0.0.1",
    port: int | None = 0,
    voice: Voice | str | None = None,
    api_keys: Collection[str] | Mapping[str, Plan | str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
    tls: bool | ssl.SSLContext = False,
    tls_ca_file: str | os.PathLike[str] | None = None,
    tls_names: Collection[str] = (),
) -> AsyncIterator[Server]:
    """Run a service for as long as the block lasts.

    Leaving the block ends all connections, within a fraction of a second. Any Trio run can hold a
    server, including one in a thread of its own: stop it by cancelling the block.

    Args:
        host: The address to listen on; only this machine can reach the default. ``0.0.0.0`` is all
            IPv4 addresses; ``::`` and an empty string are all addresses, IPv4 and IPv6.
        port: 0 for one that is free; None to listen nowhere and serve streams alone.
        voice: A voice or its name; the best that is installed if None.
        api_keys: Keys that are accepted, each with an account of its own; a mapping has the plan of
            each. If None, any credential is accepted and none is needed.
        behaviour: What to do where the protocol is open.
        faults: Faults to inject into every connection.
        plan: The limits of each account that has no plan of its own: a plan, or the name of one
            (protocol §1.8).
        tls: Serve TLS at the port: with a context of your own, or with an authority that is created
            for this server (extra ``tls``), for ``localhost``, its addresses and *host*.
        tls_ca_file: Where to write the certificate of that authority, to stay; if None, it is in a
            temporary file, removed at the end. `Server.ca_file` has the path.
        tls_names: Further names and addresses under which clients reach this machine. The
            certificate of that authority is for them, too, and ``/_local`` answers to them.

    Raises:
        OSError: The address cannot be listened on, or the file not be written.
        ValueError: There is no such voice or plan, a name is not valid, or the extra ``tls`` is not
            installed.

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
    hosts = tuple(host_names(host))
    state = ServerState(
        voice=open_voice(voice) if isinstance(voice, str) else voice or default_voice(),
        behaviour=behaviour,
        journal=Journal(clock=trio.current_time),
        faults=tuple(faults),
        credentials=Credentials.of(api_keys, plan),
        local_names=frozenset(name.lower() for name in (*hosts, *tls_names)),
    )
    async with open_listeners(host, port) as listeners, open_service_nursery() as nursery:
        with open_tls(tls, hosts=hosts, names=tls_names, ca_file=tls_ca_file) as config:
            is_secure = config is not None
            urls = server_urls(listeners, tuple(tls_names), is_secure=is_secure)
            server = create(Server, state, tuple(urls), config)
            handler = partial(server.serve_stream, tls=is_secure)
            nursery.start_soon(accept_connections, listeners, handler)
            try:
                yield server
            finally:
                server._stop()


async def serve(
    *, task_status: trio.TaskStatus[Server] = trio.TASK_STATUS_IGNORED, **options: Any
) -> None:
    """Run a service until cancelled. `nursery.start` returns the `Server`.

    Args:
        task_status: For `nursery.start`.
        **options: The arguments of `open_server`.
    """
    async with open_server(**options) as server:
        task_status.started(server)
        await trio.sleep_forever()

"""
The local service as a whole: where it listens, what it shares, and how it stops.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import trio

from trio_cartesia._nursery import open_service_nursery
from trio_cartesia.server.access.credentials import Credentials
from trio_cartesia.server.access.plans import Plan
from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.journal.journal import Journal
from trio_cartesia.server.net.certificates import TLSConfig, open_tls
from trio_cartesia.server.net.http1 import HttpConnection
from trio_cartesia.server.net.listeners import certificate_names, open_listeners, server_url
from trio_cartesia.server.net.requests import HTTPError
from trio_cartesia.server.net.tls import (
    PlainHTTP,
    TLSFailed,
    close_tls,
    shake_hands,
    wrap_server_stream,
)
from trio_cartesia.server.routes import serve_requests
from trio_cartesia.server.state import ServerState
from trio_cartesia.server.streams import Disconnected, lingering_close
from trio_cartesia.server.voices.interface import Voice
from trio_cartesia.server.voices.opening import default_voice, open_voice

__all__ = ["Server", "open_server", "serve"]

logger = logging.getLogger("trio_cartesia.server")
logger.addHandler(logging.NullHandler())

DEFAULT_BEHAVIOUR: Final = Behaviour()
SPEAKS_TLS: Final = HTTPError(
    400, "TLS is spoken at this address: use https or wss.", [("connection", "close")]
)


@attrs.define(eq=False, repr=False)
class Server:
    """
    A service that runs.

    Attributes:
        url: Where this machine reaches it, as ``http://127.0.0.1:8080``, or ``https`` with TLS;
            ``http://localhost`` if it listens nowhere.
    """

    _state: ServerState
    url: str
    _security: TLSConfig | None = None
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
    def ca_file(self) -> Path | None:
        """
        The certificate that clients have to trust, in PEM; None without an authority of its own.
        """
        return self._security.ca_file if self._security else None

    @property
    def journal(self) -> Journal:
        """
        What was asked and what was spoken.
        """
        return self._state.journal

    @property
    def voice(self) -> Voice:
        """
        Who speaks.
        """
        return self._state.voice

    async def serve_stream(self, stream: trio.abc.Stream, *, tls: bool = False) -> None:
        """
        Serve one connection over *stream*, whatever it is made of, and close it.

        It returns when the connection is over or the server stops. What goes wrong inside is
        logged, and ends this connection alone.

        Args:
            stream: Anything that carries bytes; also a `trio.SSLStream` of the server's side.
            tls: Whether TLS comes first, as with those who connect to the server's port.

        Raises:
            ValueError: The server has no TLS.
        """
        if tls:
            if self._security is None:
                raise ValueError("this server has no TLS: open_server(tls=True) has")
            stream = wrap_server_stream(stream, self._security.context)
        with trio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._is_stopped:
                scope.cancel("the server has stopped")
            try:
                await self._serve(stream)
            except* Exception:  # a bug that one peer found must not take the others with it
                logger.exception("a connection's handler crashed")
            finally:
                self._scopes.discard(scope)
                await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        if not isinstance(stream, trio.SSLStream):
            if await self._answer(stream):
                await lingering_close(stream)
            return
        try:
            await shake_hands(stream)
            if not await self._answer(stream):
                return
        except PlainHTTP:
            await _refuse_plain_http(self._state, stream.transport_stream)
        except TLSFailed:
            return
        await lingering_close(await close_tls(stream))

    async def _answer(self, stream: trio.abc.Stream) -> bool:
        """
        Answer what comes; False if a fault has taken the place of a goodbye.
        """
        async with open_service_nursery() as nursery:
            faulty = FaultyStream(stream, nursery)
            await serve_requests(self._state, faulty)
            await faulty.drain()
        return not faulty.has_ended

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
    api_keys: Collection[str] | Mapping[str, Plan | str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
    tls: bool | ssl.SSLContext = False,
    tls_ca_file: str | os.PathLike[str] | None = None,
) -> AsyncIterator[Server]:
    """
    Run a service for as long as the block lasts.

    Leaving the block ends all connections, within a fraction of a second.

    Args:
        host: The address to listen on; only this machine can reach the default.
        port: 0 for one that is free; None to listen nowhere and serve streams alone.
        voice: A voice or its name; the best that is installed if None.
        api_keys: Who may come in, each with an account of its own; a mapping tells the plan of
            each. If None, any credential is accepted and none is needed.
        behaviour: What to do where the protocol is open.
        faults: What is to go wrong, with every connection.
        plan: What each account may do at once, unless its key has a plan of its own: a plan, or
            the name of one (protocol §1.8).
        tls: Speak TLS at the port: with a context of your own, or with an authority that is made
            for this server (extra ``tls``), for ``localhost``, its addresses and *host*.
        tls_ca_file: Where the certificate of that authority is written, to stay; if None, into a
            temporary file, removed at the end. `Server.ca_file` tells where.

    Raises:
        OSError: The address cannot be had, or the file not be written.
        ValueError: There is no such voice or plan, or the extra ``tls`` is not installed.

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
    state = ServerState(
        voice=chosen,
        behaviour=behaviour,
        journal=Journal(clock=trio.current_time),
        faults=tuple(faults),
        credentials=Credentials.of(api_keys, plan),
    )
    async with open_listeners(host, port) as listeners, open_service_nursery() as nursery:
        with open_tls(tls, hosts=certificate_names(host), ca_file=tls_ca_file) as security:
            server = Server(state, server_url(listeners, is_secure=security is not None), security)
            if listeners:
                handler = partial(server.serve_stream, tls=security is not None)
                await nursery.start(trio.serve_listeners, handler, listeners)
            try:
                yield server
            finally:
                server._stop()


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    voice: Voice | str | None = None,
    api_keys: Collection[str] | Mapping[str, Plan | str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
    tls: bool | ssl.SSLContext = False,
    tls_ca_file: str | os.PathLike[str] | None = None,
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
        tls=tls,
        tls_ca_file=tls_ca_file,
    ) as server:
        task_status.started(server)
        await trio.sleep_forever()


async def _refuse_plain_http(state: ServerState, stream: trio.abc.Stream) -> None:
    connection = HttpConnection(stream)
    try:
        await Exchange(state, connection, connection.asked).respond_http_error(SPEAKS_TLS)
    except Disconnected:
        return

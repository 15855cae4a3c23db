"""Start and stop the local service, and serve its connections."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
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
from trio_cartesia.server.faults.faults import Fault, checked_faults
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
from trio_cartesia.server.recognition.interface import Recognizer
from trio_cartesia.server.recognition.lifetime import running_recognizer
from trio_cartesia.server.routes import refuse_plain_http, serve_requests
from trio_cartesia.server.state import ServerState, ServerStatistics
from trio_cartesia.server.store.database import open_store
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
        urls: `url`, and after it a URL for each of ``tls_names``, for clients on other machines.
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

        It is ``http://localhost`` if the service listens on no port.
        """
        return self.urls[0]

    @property
    def websocket_url(self) -> str:
        """The same URL for WebSockets."""
        return self.url.replace("http", "ws", 1)

    @property
    def ca_file(self) -> Path | None:
        """The certificate (PEM) that clients have to trust; None without ``tls=True``."""
        return self._tls.ca_file if self._tls else None

    @property
    def journal(self) -> Journal:
        """A record of the requests, and of the speech that was sent."""
        return self._state.journal

    @property
    def recognizer(self) -> Recognizer:
        """The recogniser of speech."""
        return self._state.recognizer

    @property
    def voice(self) -> Voice:
        """The voice that speaks."""
        return self._state.voice

    def statistics(self) -> ServerStatistics:
        """Return what the store and the recogniser hold now."""
        return self._state.statistics()

    async def serve_stream(self, stream: trio.abc.Stream, *, tls: bool = False) -> None:
        """Serve one connection over *stream*, and close the stream at its end.

        Returns when the connection ends or the server stops. An error in the service ends only this
        connection, and is logged. If cancelled, the connection is cut.

        Args:
            stream: Any stream, including a `trio.SSLStream` for the server's side.
            tls: Whether to perform a TLS handshake on the stream first.

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
        """Serve requests; return False if a fault has ended the stream."""
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
    recognizer: Recognizer | str | None = None,
    api_keys: Collection[str] | Mapping[str, Plan | str] | None = None,
    behaviour: Behaviour = DEFAULT_BEHAVIOUR,
    faults: Sequence[Fault] = (),
    plan: Plan | str = "enterprise",
    tls: bool | ssl.SSLContext = False,
    tls_ca_file: str | os.PathLike[str] | None = None,
    tls_names: Collection[str] = (),
    store: str | os.PathLike[str] | None = None,
) -> AsyncIterator[Server]:
    """Run a local service for the block, and yield its `Server`.

    Leaving the block ends all connections, within a fraction of a second. The service runs in the
    current Trio run; to stop one in another thread, cancel the block there.

    Args:
        host: The address to listen on; only this machine can reach the default. ``0.0.0.0`` means
            all IPv4 addresses; ``::`` and an empty string mean all IPv4 and IPv6 addresses.
        port: The port; 0 finds a free one. With None the service listens on no port, and serves
            only the streams passed to `Server.serve_stream`.
        voice: A voice or its name; if None, ``espeak`` if it is installed, otherwise ``tones``.
        recognizer: A recogniser of speech or its name; None means ``auto``: speech of the service
            itself is recognised exactly, and other speech if the extra ``ears`` is installed. One
            that is not a name stays open at the end of the block.
        api_keys: The keys that are accepted, each for an account of its own; a mapping has the plan
            of each. If None, any credential is accepted, or none.
        behaviour: The behaviour where the protocol is open.
        faults: Faults to inject into every connection.
        plan: The limits of each account that has no plan of its own: a plan, or the name of one
            (protocol §1.8).
        tls: True to serve TLS with a certificate of an authority that is created for this server
            (extra ``tls``), valid for ``localhost``, its addresses and *host*; or a context of your
            own.
        tls_ca_file: The file to write the certificate of that authority to. It is kept; if None,
            the file is temporary and is removed at the end. `Server.ca_file` has the path.
        tls_names: Further names and addresses under which clients reach this machine. The
            certificate is valid for them, and ``/_local`` accepts them.
        store: The SQLite file that keeps voices, dictionaries and all other resources, and saved
            speech; it is made if needed, and readable for you alone. If None, they end with the
            block. A write is in the file before its response is sent, so it is not lost if the
            process is killed.

    Raises:
        OSError: The service cannot listen on the address, cannot write a file, or *store* is not a
            store, or another service uses it.
        TypeError: *api_keys* or *tls_names* is a single string, or *faults* has something else
            than faults.
        ValueError: There is no such voice, recogniser or plan, a key or a name is not valid, or an
            extra is not installed.

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
    journal = Journal(clock=trio.current_time)
    with closing(open_store(store)) as opened:
        async with (
            running_recognizer(recognizer, journal) as opened_recognizer,
            open_listeners(host, port) as listeners,
            open_service_nursery() as nursery,
        ):
            state = ServerState(
                voice=open_voice(voice) if isinstance(voice, str) else voice or default_voice(),
                recognizer=opened_recognizer,
                behaviour=behaviour,
                journal=journal,
                faults=checked_faults(faults),
                credentials=Credentials.of(api_keys, plan, secret=opened.secret),
                local_names=frozenset(name.lower() for name in (*hosts, *tls_names)),
                store=opened,
            )
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
    """Run a local service until cancelled; `nursery.start` returns its `Server`.

    Args:
        task_status: Set by `nursery.start`.
        **options: The arguments of `open_server`, which also lists the exceptions.
    """
    async with open_server(**options) as server:
        task_status.started(server)
        await trio.sleep_forever()

"""The listeners of the local service, and its names and URLs."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Final, NoReturn

import trio

from trio_cartesia.server.streams import is_out_of_resources

__all__ = ["accept_connections", "host_names", "open_listeners", "server_urls"]

logger = logging.getLogger("trio_cartesia.server")

ALL_ADDRESSES: Final = ("", "0.0.0.0", "::")  # noqa: S104  # compared, not bound
BOTH_FAMILIES: Final = ("", "::")
PORT_ATTEMPTS: Final = 10
ACCEPT_RETRY_SECONDS: Final = 0.1  # between attempts while the process has no free descriptors
ACCEPT_LOG_SECONDS: Final = 60.0  # between log lines about that


@asynccontextmanager
async def open_listeners(host: str, port: int | None) -> AsyncIterator[list[trio.SocketListener]]:
    """Listen on *host* for the block; if *port* is None, yield no listeners.

    An empty host and ``::`` mean all IPv4 and IPv6 addresses. All listeners have the same port.

    Raises:
        OSError: The address is in use, or is not an address of this machine.
    """
    listeners = [] if port is None else await _listen(host, port)
    try:
        yield listeners
    finally:
        _close(listeners)


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    listeners = await _listen_on_one_port(None if host in BOTH_FAMILIES else host, port)
    if host == "::":
        listeners.sort(key=lambda each: each.socket.family != socket.AF_INET6)
    return listeners


async def _listen_on_one_port(host: str | None, port: int) -> list[trio.SocketListener]:
    attempts_left = PORT_ATTEMPTS
    while True:
        listeners = await trio.open_tcp_listeners(port, host=host)
        ports = [each.socket.getsockname()[1] for each in listeners]
        if len(set(ports)) == 1:
            return listeners
        _close(listeners)  # port 0 gave each address another port: use the first for all
        attempts_left -= 1
        try:
            return await trio.open_tcp_listeners(ports[0], host=host)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not attempts_left:
                raise


def _close(listeners: list[trio.SocketListener]) -> None:
    for listener in listeners:
        listener.socket.close()


async def accept_connections(
    listeners: Sequence[trio.SocketListener],
    handler: Callable[[trio.SocketStream], Awaitable[object]],
) -> None:
    """Run *handler* for each connection until cancelled; it must not raise and closes its stream.

    While the process has no free file descriptors, connections wait in the kernel's queue. (Trio's
    own loop logs a traceback for each attempt to accept one.)
    """
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(_accept, listener, handler, nursery)


async def _accept(
    listener: trio.SocketListener,
    handler: Callable[[trio.SocketStream], Awaitable[object]],
    nursery: trio.Nursery,
) -> NoReturn:
    log_at = trio.current_time()
    while True:
        try:
            stream = await listener.accept()
        except OSError as error:
            if not is_out_of_resources(error):
                raise
            if trio.current_time() >= log_at:
                log_at = trio.current_time() + ACCEPT_LOG_SECONDS
                logger.error("new connections have to wait: %s", error.strerror)  # noqa: TRY400  # no bug of ours
            await trio.sleep(ACCEPT_RETRY_SECONDS)
        else:
            nursery.start_soon(handler, stream)


def host_names(host: str) -> Iterator[str]:
    """Yield the names and addresses under which clients reach a service that listens on *host*."""
    yield host
    if host in ALL_ADDRESSES:
        yield socket.gethostname()


def server_urls(
    listeners: Sequence[trio.SocketListener], names: Sequence[str], *, is_secure: bool
) -> Iterator[str]:
    """Yield the URL for clients on this machine, and then one for each of *names*.

    Without listeners the only URL is ``http://localhost``, at which nothing listens.
    """
    if not listeners:
        yield "http://localhost"
        return
    host, port, *_ = listeners[0].socket.getsockname()
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    scheme = "https" if is_secure else "http"
    for name in dict.fromkeys([host, *names]):
        yield f"{scheme}://[{name}]:{port}" if ":" in name else f"{scheme}://{name}:{port}"

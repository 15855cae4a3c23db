"""
Where the local service listens, and what that is called.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import trio

__all__ = ["certificate_names", "open_listeners", "server_url"]


@asynccontextmanager
async def open_listeners(host: str, port: int | None) -> AsyncIterator[list[trio.SocketListener]]:
    """
    Listen on *host* for as long as the block lasts; nowhere if *port* is None.

    Raises:
        OSError: The address cannot be had.
    """
    listeners = [] if port is None else await trio.open_tcp_listeners(port, host=host)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.socket.close()


def certificate_names(host: str) -> Iterator[str]:
    """
    Yield what clients may call the place to listen on, if that is *host*.
    """
    yield host
    if host in ("", "0.0.0.0", "::"):  # noqa: S104  # others' machines reach it by its name
        yield socket.gethostname()


def server_url(listeners: list[trio.SocketListener], *, is_secure: bool) -> str:
    """
    Return where a client on this machine reaches *listeners*; a plain name if there are none.
    """
    if not listeners:
        return "http://localhost"
    host, port, *_ = listeners[0].socket.getsockname()
    address = ip_address(host)
    if address.is_unspecified:  # all addresses, of which a client on this machine needs one
        host = "127.0.0.1" if address.version == 4 else "::1"
    scheme = "https" if is_secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import trio
import trustme

from trio_cartesia.server import Server


def trusting(server: Server) -> ssl.SSLContext:
    assert server.ca_file is not None
    return ssl.create_default_context(cafile=str(server.ca_file))


@cache
def own_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """One for a server, with a certificate of ours, and one for clients that trust it."""
    authority = trustme.CA()
    mine, theirs = (
        ssl.create_default_context(purpose)
        for purpose in (ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH)
    )
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(mine)
    authority.configure_trust(theirs)
    return mine, theirs


@asynccontextmanager
async def over_tls(
    trust: ssl.SSLContext, stream: trio.abc.Stream
) -> AsyncIterator[trio.SSLStream[trio.abc.Stream]]:
    """A client's end of TLS, to which an end without goodbye is an error."""
    secured = trio.SSLStream(stream, trust, server_hostname="localhost")
    try:
        yield secured
    finally:
        await trio.aclose_forcefully(secured)


async def dial(server: Server) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", int(server.url.rpartition(":")[2]))


async def read_to_the_end(stream: trio.abc.Stream) -> bytes:
    return b"".join([bytes(data) async for data in stream])

"""A small HTTP proxy: CONNECT, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs
import h11
import trio


@attrs.define(eq=False)
class ConnectProxy:
    """A proxy that takes every host for *peer_port* of this machine.

    Attributes:
        peer_port: Where its tunnels end.
        answer: Sent instead of 200; the connection ends after it.
        tls: Wraps a stream that was accepted, if given.
        requests: The targets and headers that were received.
    """

    peer_port: int
    answer: bytes | None = None
    tls: object = None
    port: int = 0
    requests: list[tuple[str, dict[str, str]]] = attrs.field(factory=list)
    tunnels: int = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        async with stream:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # either side ends
                await self._serve(stream if self.tls is None else self.tls(stream))

    async def _serve(self, stream: trio.abc.Stream) -> None:
        http = h11.Connection(h11.SERVER)
        while (event := http.next_event()) is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some()))
        if not isinstance(event, h11.Request):
            return
        headers = {name.decode(): value.decode() for name, value in event.headers}
        self.requests.append((event.target.decode(), headers))
        if event.method != b"CONNECT":
            return
        if self.answer is not None:
            await stream.send_all(self.answer)
            return
        async with await trio.open_tcp_stream("127.0.0.1", self.peer_port) as peer:
            await stream.send_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.tunnels += 1
            async with trio.open_nursery() as nursery:
                nursery.start_soon(relay, stream, peer, nursery.cancel_scope)
                nursery.start_soon(relay, peer, stream, nursery.cancel_scope)


async def relay(source: trio.abc.Stream, target: trio.abc.Stream, scope: trio.CancelScope) -> None:
    with suppress(trio.BrokenResourceError):  # reset by either side
        async for data in source:
            await target.send_all(data)
    scope.cancel()


async def serve_socks(peer_port: int, stream: trio.abc.Stream) -> None:
    """Serve SOCKS5 (RFC 1928) without authentication, to *peer_port* whatever is asked for."""
    async with stream, await trio.open_tcp_stream("127.0.0.1", peer_port) as peer:
        assert (await stream.receive_some())[0] == 5
        await stream.send_all(b"\5\0")
        assert (await stream.receive_some()).startswith(b"\5\1\0\3\x0bapi.example")
        await stream.send_all(b"\5\0\0\1\0\0\0\0\0\0")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(relay, stream, peer, nursery.cancel_scope)
            nursery.start_soon(relay, peer, stream, nursery.cancel_scope)


@asynccontextmanager
async def open_proxy(peer_port: int, **settings: object) -> AsyncIterator[ConnectProxy]:
    """Serve a `ConnectProxy` on a port of its own."""
    proxy = ConnectProxy(peer_port, **settings)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, proxy.serve, 0)
        proxy.port = listeners[0].socket.getsockname()[1]
        yield proxy
        nursery.cancel_scope.cancel()

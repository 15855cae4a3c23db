"""Streams of ours, as httpcore2 uses them.

They are opened as those of the WebSockets are, so that name resolution, proxies, TLS and their
errors are the same.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import attrs
import httpcore2
import trio

from trio_cartesia._errors import CartesiaError, ConnectFailed
from trio_cartesia._http.wire.framing import HeadSplitter
from trio_cartesia._http.wire.heads import Heads
from trio_cartesia._protocol.base.addresses import host_and_port
from trio_cartesia._runtime.transport.connect import OpenStream, open_plain, start_tls
from trio_cartesia._runtime.transport.default_tls import default_context
from trio_cartesia._runtime.transport.read_buffer import READ_BYTES
from trio_cartesia._runtime.transport.websocket import CONNECT_SECONDS

__all__ = ["Backend", "NetworkStream", "NotConnected"]

JOINED_BYTES: Final = 64 * 2**10  # of a request that are sent in one write

_BROKEN: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class NotConnected(httpcore2.ConnectError):
    """Carries an error of ours through httpcore2, which drops the causes of others."""

    def __init__(self, error: CartesiaError) -> None:
        super().__init__()
        self.error = error


class NetworkStream(httpcore2.AsyncNetworkStream):
    """A stream of ours, as httpcore2 uses it; the callers' scopes are its only deadlines.

    Writes are joined until there is much to send or the response is read, since the head of a
    request and its body are written apart. `read`, which httpcore2 calls, returns nothing beyond
    the end of a head, so that the body can be had from `receive` instead.

    Attributes:
        in_head: Whether `read` is to stop at the end of a head.
        unread: Bytes that were received, and that the next `read` or `receive` returns.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        peer: str,
        heads: Heads,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._stream, self._peer, self._ssl_context = stream, peer, ssl_context
        self._heads = heads
        self._is_readable = getattr(stream, "is_readable", bool)
        self._unsent = bytearray()
        self._splitter = HeadSplitter()
        self.in_head = True
        self.unread = b""
        self.has_ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109  # the signature is given
        if self._unsent:
            with suppress(httpcore2.WriteError):  # the peer may have answered before it left
                await self._send()
        data = await self.receive(max_bytes)
        if self.in_head:
            data, self.unread = self._splitter.split(data)
        return data

    async def receive(self, max_bytes: int = READ_BYTES) -> bytes:
        """Receive some bytes; nothing means the end. Raises httpcore2's `ReadError`."""
        if self.unread or self.has_ended:
            data, self.unread = self.unread, b""
            return data
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        except _BROKEN as error:
            raise httpcore2.ReadError from error
        self.has_ended = not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # the signature is given
        self.in_head = True
        self._unsent += self._heads.completed(buffer)
        if len(self._unsent) >= JOINED_BYTES:
            await self._send()

    async def _send(self) -> None:
        unsent, self._unsent = memoryview(self._unsent), bytearray()  # no repr shows what is in it
        try:
            await self._stream.send_all(unsent)
        except _BROKEN as error:
            raise httpcore2.WriteError from error

    async def aclose(self) -> None:
        # a polite end of TLS would wait for the peer, under a shield of httpcore2
        await trio.aclose_forcefully(self._stream)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002  # see `Wire`
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  # the signature is given
    ) -> NetworkStream:
        context = self._ssl_context or default_context()
        try:
            with trio.move_on_after(CONNECT_SECONDS):
                stream = await start_tls(self._stream, context, server_hostname or "", self._peer)
                secured = NetworkStream(stream, self._peer, self._heads)
                secured._is_readable = self._is_readable
                return secured
        except CartesiaError as error:
            raise NotConnected(error) from None
        raise NotConnected(_no_answer(self._peer))

    def get_extra_info(self, info: str) -> Any:
        return self._is_readable() if info == "is_readable" else None


@attrs.define(eq=False)
class Backend(httpcore2.AsyncNetworkBackend):
    """Opens the streams of httpcore2's connections."""

    _open_stream: OpenStream
    _ssl_context: ssl.SSLContext | None
    _heads: Heads

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  # the signature is given
        local_address: str | None = None,  # noqa: ARG002  # the signature is given
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  # the signature is given
    ) -> NetworkStream:
        peer = host_and_port(host, port)
        try:
            with trio.move_on_after(CONNECT_SECONDS):
                stream = await open_plain(host, port, self._open_stream, peer)
                return NetworkStream(stream, peer, self._heads, self._ssl_context)
        except CartesiaError as error:
            raise NotConnected(error) from None
        raise NotConnected(_no_answer(peer))


def _no_answer(peer: str) -> ConnectFailed:
    return ConnectFailed(f"{peer} gave no answer within {CONNECT_SECONDS:g} seconds")

"""
Whole messages to a peer and back: `Transport`, and its form over trio-websocket.

trio-websocket owns the handshakes, masking, pings, closes and every other rule of RFC 6455. It
works on a `Wire`, a stream of ours, on a connection that we open. Its errors, and those of the
libraries below it, end here.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectFailed, ConnectionLost
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._protocol.base.error_bodies import error_from_body, one_line
from trio_cartesia._runtime.transport.connect import OpenStream, connect
from trio_cartesia._runtime.transport.fast_path import Sink
from trio_cartesia._runtime.transport.handshake_errors import error_in_response, header
from trio_cartesia._runtime.transport.handshake_headers import HandshakeHeaders
from trio_cartesia._runtime.transport.tapped_stream import Wire

if TYPE_CHECKING:  # loaded by the first connection: a quarter of the package's start-up
    from trio_websocket import WebSocketConnection

__all__ = ["CONNECT_SECONDS", "MAX_MESSAGE_BYTES", "Transport", "open_websocket"]

CONNECT_SECONDS: Final = 30.0  # name, route, TLS and handshake together
MAX_MESSAGE_BYTES: Final = 16 * 2**20  # a larger one ends the connection with 1009
RECEIVE_BYTES: Final = 256 * 2**10  # of one read; trio-websocket's own 4 KiB cost twice the time
QUEUED_MESSAGES: Final = 16  # between trio-websocket's task and our reader

LANE_IS_ON: Final = os.environ.get("TRIO_CARTESIA_FAST_LANE", "1") != "0"  # when in doubt: off

Group = BaseExceptionGroup[BaseException]

_log: Final = logging.getLogger("trio_cartesia.transport")


class Transport(Protocol):
    """
    Carries whole messages.

    `receive`, `send` and `ping` raise `ConnectionLost` once the connection has ended.

    Attributes:
        request_id: The service's name for the connection, if it gave one.
    """

    @property
    def request_id(self) -> str | None: ...

    def open_lane(self, sink: Sink) -> None:
        """
        Hand whole messages to *sink* from now on, where this can be done before `receive`.

        Those that cannot are still received, and what was received comes after what *sink* got.
        """

    async def receive(self) -> str | bytes:
        """Return the next message."""

    async def send(self, first: str, *others: str) -> None:
        """Send messages in one write; if cancelled, it is good for nothing but closing."""

    async def ping(self) -> None:
        """Ask the peer for a sign of life, and wait for it."""

    async def aclose(self) -> None:
        """Say goodbye, and wait until the peer has said it too."""


@attrs.frozen(eq=False)
class WebSocketTransport:
    """The `Transport` over trio-websocket."""

    request_id: str | None
    _websocket: WebSocketConnection
    _wire: Wire

    def open_lane(self, sink: Sink) -> None:
        """Hand whole text frames to *sink*, unless a frame has come already."""
        if LANE_IS_ON:
            self._wire.open_lane(sink, MAX_MESSAGE_BYTES)

    async def receive(self) -> str | bytes:
        """Return the next message."""
        with _losses_translated(self._wire):
            return await self._websocket.get_message()

    async def send(self, first: str, *others: str) -> None:
        """Send text messages in one write."""
        with _losses_translated(self._wire):
            if others:
                await self._send_together((first, *others))
            else:
                await self._websocket.send_message(first)
        if self._wire.is_deaf:
            raise ConnectionLost("the connection broke while a message was sent")

    async def _send_together(self, messages: tuple[str, ...]) -> None:
        from trio_websocket import ConnectionClosed

        closed = None
        with self._wire.corked() as corked:
            try:
                for message in messages:
                    await self._websocket.send_message(message)
            except ConnectionClosed as error:  # by the peer, and our answer may be corked
                closed = error
        if corked:
            await self._wire.send_all(corked)
        if closed is not None:
            raise closed

    async def ping(self) -> None:
        """Send a ping, and wait for its pong."""
        with _losses_translated(self._wire):
            await self._websocket.ping()

    async def aclose(self) -> None:
        """Send a close frame, and wait for the peer's."""
        await self._websocket.aclose()


@asynccontextmanager
async def open_websocket(
    address: Address,
    *,
    headers: Headers,
    ssl_context: ssl.SSLContext | None = None,
    open_stream: OpenStream = trio.open_tcp_stream,
) -> AsyncIterator[Transport]:
    """
    Connect, shake hands, and close without ceremony when the block ends.

    Args:
        address: Where to.
        headers: Of the handshake.
        ssl_context: For TLS; None means the system's authorities and full verification.
        open_stream: Makes the stream to a host and port, before TLS.

    Raises:
        ConnectFailed: No connection was made within `CONNECT_SECONDS`.
        RequestFailed: The service refused the handshake; the class says why.
        ConnectionLost: The peer broke the rules of RFC 6455 later on.
    """
    established = trio.Event()
    scope = trio.CancelScope()
    async with open_service_nursery(partial(_crash, address, established)) as nursery:
        wire = None
        try:
            with scope:
                scope.deadline = trio.current_time() + CONNECT_SECONDS
                stream, below = await connect(address, ssl_context, open_stream)
                wire = Wire(stream, scope, below, HandshakeHeaders(headers))
                transport = await _shake_hands(nursery, wire, address)
            if wire is None or scope.cancelled_caught:
                raise _no_handshake(address, wire)
            established.set()
            _log.debug("connected to %s", address)
            yield transport
        finally:
            if wire is not None:
                await trio.aclose_forcefully(wire)  # noqa: ASYNC102  # closes, then raises


async def _shake_hands(nursery: trio.Nursery, wire: Wire, address: Address) -> Transport:
    from trio_websocket import wrap_client_stream

    websocket = await wrap_client_stream(
        _ProtectedNursery(nursery),  # type: ignore[arg-type]  # it starts a task, no more
        wire,  # type: ignore[arg-type]  # it takes any stream, and says so in its docstring
        address.host_header,
        address.resource,
        message_queue_size=QUEUED_MESSAGES,
        max_message_size=MAX_MESSAGE_BYTES,
        receive_buffer_size=RECEIVE_BYTES,
    )
    wire.handshake_is_over()
    request_id = header(websocket.handshake_headers, b"x-request-id")
    return WebSocketTransport(one_line(request_id or "") or None, websocket, wire)


@attrs.frozen(eq=False)
class _ProtectedNursery:
    """Starts tasks that Ctrl-C does not reach: it is for the user's code."""

    _nursery: trio.Nursery

    def start_soon(self, async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
        self._nursery.start_soon(_protected, async_fn, *args)


@enable_ki_protection
async def _protected(async_fn: Callable[..., Awaitable[object]], *args: object) -> None:
    await async_fn(*args)


def _no_handshake(address: Address, wire: Wire | None) -> CartesiaError:
    if wire is None or not wire.has_ended:
        return ConnectFailed(f"{address} gave no answer within {CONNECT_SECONDS:g} seconds")
    refused = error_in_response(bytes(wire.answer))
    return refused or ConnectFailed(f"{address} ended the connection during the handshake")


def _crash(address: Address, established: trio.Event, crashes: Group) -> CartesiaError:
    """Say what a crash in trio-websocket's task means: it is the peer's doing."""
    from trio_websocket import ConnectionRejected

    crash: BaseException = crashes
    while isinstance(crash, BaseExceptionGroup):
        crash = crash.exceptions[0]
    if isinstance(crash, ConnectionRejected):
        return error_from_body(
            crash.status_code,
            crash.body or b"",
            request_id=header(crash.headers, b"x-request-id"),
            retry_after=header(crash.headers, b"retry-after"),
        )
    kind = type(crash).__name__
    if established.is_set():
        return ConnectionLost(f"the peer broke the WebSocket protocol ({kind})")
    return ConnectFailed(f"the answer of {address} is not that of a WebSocket server ({kind})")


@contextmanager
def _losses_translated(wire: Wire) -> Iterator[None]:
    from trio_websocket import ConnectionClosed

    try:
        yield
    except ConnectionClosed as error:
        code = error.reason.code if error.reason is not None else None
        text = one_line(error.reason.reason or "") or None if error.reason is not None else None
        why = wire.complaint or _describe(code, text)
        raise ConnectionLost(why, close_code=code, close_reason=text) from error


def _describe(code: int | None, text: str | None) -> str:
    if code is None or code == 1006:  # RFC 6455 §7.1.5: no close frame was seen
        return "the connection broke without a goodbye"
    return f"the connection was closed with {code}" + (f": {text}" if text else "")

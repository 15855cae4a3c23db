"""The `Transport` over trio-websocket.

trio-websocket owns the handshakes, pings, closes and every other rule of RFC 6455; the frames of
our messages alone are made here (`client_frames`). It works on a `TappedStream` over a stream that
we open. Its exceptions end here, and those of the libraries below it.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs
import trio

from trio_cartesia._errors import CartesiaError, ConnectFailed, ConnectionLost
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.base.addresses import Address
from trio_cartesia._protocol.base.credentials import Headers
from trio_cartesia._protocol.base.error_bodies import error_from_body, one_line
from trio_cartesia._runtime.transport.client_frames import client_frame
from trio_cartesia._runtime.transport.connect import OpenStream, connect
from trio_cartesia._runtime.transport.handshake_errors import error_in_response, header
from trio_cartesia._runtime.transport.handshake_headers import HandshakeHeaders
from trio_cartesia._runtime.transport.interface import FrameHandler, Transport
from trio_cartesia._runtime.transport.tapped_stream import TappedStream

if TYPE_CHECKING:  # loaded by the first connection: a quarter of the package's start-up
    from trio_websocket import WebSocketConnection

__all__ = ["CONNECT_SECONDS", "MAX_MESSAGE_BYTES", "open_websocket"]

CONNECT_SECONDS: Final = 30.0  # name, route, TLS and handshake together
MAX_MESSAGE_BYTES: Final = 16 * 2**20  # a larger one ends the connection with 1009
RECEIVE_BYTES: Final = 256 * 2**10  # a read; trio-websocket's own 4 KiB cost twice the time
QUEUED_MESSAGES: Final = 16  # between trio-websocket's task and our reader

FAST_PATH_IS_ON: Final = os.environ.get("TRIO_CARTESIA_FAST_PATH", "1") != "0"

Group = BaseExceptionGroup[BaseException]

_log: Final = logging.getLogger("trio_cartesia.transport")


@attrs.frozen(eq=False)
class WebSocketTransport:
    """The `Transport` over trio-websocket.

    Messages go without trio-websocket's lock, which lets other tasks run before each of them: so
    they can leave in the turn in which they were queued.
    """

    request_id: str | None
    _websocket: WebSocketConnection
    _stream: TappedStream

    async def receive(self, handler: FrameHandler) -> None:
        """Deliver messages that have arrived."""
        if self._stream.has_fast_path:
            await self._stream.receive_frames(handler)
            return
        with _losses_translated(self._stream):
            message = await self._websocket.get_message()
        handler.handle_message(message)

    @property
    def can_send_nowait(self) -> bool:
        """True over a socket on which nothing is being sent."""
        return self._stream.can_send_nowait and self._websocket.closed is None

    def send_nowait(self, message: str | bytes) -> bool:
        """Send a message without waiting; False if a part of it is left for the next `send`."""
        return self._stream.send_nowait(client_frame(message))

    async def send(self, *messages: str | bytes) -> None:
        """Send messages in one write, after what `send_nowait` left."""
        with _losses_translated(self._stream):
            if self._websocket.closed is not None:
                from trio_websocket import ConnectionClosed

                raise ConnectionClosed(self._websocket.closed)
        await self._stream.send_all(b"".join(map(client_frame, messages)))
        if self._stream.has_write_failed:
            raise ConnectionLost("the connection broke while a message was sent")

    async def ping(self) -> None:
        """Send a ping, and wait for its pong."""
        with _losses_translated(self._stream):
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
    """Connect and perform the handshake; abort the connection when the block ends.

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
        tapped = None
        try:
            with scope:
                scope.deadline = trio.current_time() + CONNECT_SECONDS
                stream = await connect(address, ssl_context, open_stream)
                tapped = TappedStream(
                    stream, scope, HandshakeHeaders(headers), MAX_MESSAGE_BYTES, FAST_PATH_IS_ON
                )
                transport = await _shake_hands(nursery, tapped, address)
            if tapped is None or scope.cancelled_caught:
                raise _no_handshake(address, tapped)
            established.set()
            _log.debug("connected to %s", address)
            yield transport
        finally:
            if tapped is not None:
                await trio.aclose_forcefully(tapped)  # noqa: ASYNC102  # closes, then raises


async def _shake_hands(nursery: trio.Nursery, stream: TappedStream, address: Address) -> Transport:
    from trio_websocket import wrap_client_stream

    websocket = await wrap_client_stream(
        nursery,
        stream,  # type: ignore[arg-type]  # it takes any stream, and says so in its docstring
        address.host_header,
        address.target,
        message_queue_size=QUEUED_MESSAGES,
        max_message_size=MAX_MESSAGE_BYTES,
        receive_buffer_size=RECEIVE_BYTES,
    )
    stream.handshake_is_over()
    request_id = header(websocket.handshake_headers, b"x-request-id")
    return WebSocketTransport(one_line(request_id or "") or None, websocket, stream)


def _no_handshake(address: Address, stream: TappedStream | None) -> CartesiaError:
    if stream is None or not stream.has_ended:
        return ConnectFailed(f"{address} gave no answer within {CONNECT_SECONDS:g} seconds")
    refused = error_in_response(stream.response)
    return refused or ConnectFailed(f"{address} ended the connection during the handshake")


def _crash(address: Address, established: trio.Event, crashes: Group) -> CartesiaError:
    """Translate a crash of trio-websocket's task: it is the peer's doing."""
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
def _losses_translated(stream: TappedStream) -> Iterator[None]:
    from trio_websocket import ConnectionClosed

    try:
        yield
    except ConnectionClosed as error:
        code = error.reason.code if error.reason is not None else None
        text = one_line(error.reason.reason or "") or None if error.reason is not None else None
        why = stream.complaint or _describe(code, text)
        raise ConnectionLost(why, close_code=code, close_reason=text) from error


def _describe(code: int | None, text: str | None) -> str:
    if code is None or code == 1006:  # RFC 6455 §7.1.5: no close frame was seen
        return "the connection broke without a goodbye"
    return f"the connection was closed with {code}" + (f": {text}" if text else "")

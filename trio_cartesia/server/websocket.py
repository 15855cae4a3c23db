"""
WebSockets over any Trio stream, once the handshake is done.

wsproto knows the grammar; this module moves its bytes, bounds what a peer may make us hold, and
keeps its exceptions to itself. Nothing here knows about speech.
"""

from __future__ import annotations

import attrs
import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, generate_accept_token

from .faults import Fault
from .streams import CLOSE_SECONDS, RECEIVE_BYTES, STREAM_ENDED, Disconnected


def accept_token(key: str) -> str:
    """
    Return the ``Sec-WebSocket-Accept`` that answers a client's key (RFC 6455 §4.2.2).
    """
    return generate_accept_token(key.encode()).decode()


@attrs.define(eq=False)
class WebSocket:
    """
    Whole messages over one stream. Any number of tasks may send; one receives.
    """

    _stream: trio.abc.Stream
    _early: bytes = b""
    _max_message_bytes: int = attrs.field(kw_only=True)
    _faults: tuple[Fault, ...] = attrs.field(default=(), kw_only=True)
    _frames: Connection = attrs.field(init=False)
    _sending: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _torn: bool = attrs.field(default=False, init=False)  # a frame may have gone out by half
    _deaf: bool = attrs.field(default=False, init=False)  # what comes makes no sense any more
    _parts: list[str | bytes] = attrs.field(factory=list, init=False)
    _size: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._frames = Connection(ConnectionType.SERVER, trailing_data=self._early)

    async def receive(self) -> str | bytes:
        """
        Return the next message; answer pings and the peer's close on the way.

        Raises:
            Disconnected: There will be no more. A peer that broke the rules has been told how.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            for event in self._frames.events():
                message = await self._take(event)
                if message is not None:
                    return message
            self._frames.receive_data(await self._receive_some())

    async def _receive_some(self) -> bytes:
        try:
            data = await self._stream.receive_some(RECEIVE_BYTES)
        except STREAM_ENDED as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        return bytes(data)

    async def _take(self, event: Event) -> str | bytes | None:
        if isinstance(event, (TextMessage, BytesMessage)):
            return await self._join(event)
        if isinstance(event, Ping):
            await self._send(event.response())
        elif isinstance(event, CloseConnection):
            if self._frames.state is ConnectionState.REMOTE_CLOSING:
                await self._send(event.response())
            else:  # wsproto's words for a frame that breaks the rules
                self._deaf = True
                await self.aclose(event.code, "protocol error")
            raise Disconnected(event.code)
        return None

    async def _join(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        data = event.data if isinstance(event.data, str) else bytes(event.data)
        self._size += len(data.encode() if isinstance(data, str) else data)
        if self._size > self._max_message_bytes:  # protocol §2.11
            await self.aclose(1009, f"more than {self._max_message_bytes} bytes")
            raise Disconnected(1009)
        if data:  # a peer may send empty fragments for ever
            self._parts.append(data)
        if not event.message_finished:
            return None
        parts, self._parts, self._size = self._parts, [], 0
        return data[:0].join(parts)  # type: ignore[arg-type]  # a message's parts are alike

    async def send(self, message: str) -> None:
        """
        Send a text message.

        If cancelled while its bytes are on their way the connection is lost, for the peer
        may have half a frame; if cancelled before, nothing has happened.

        Raises:
            Disconnected: It cannot arrive any more.
        """
        await self._send(TextMessage(message))

    async def _send(self, event: Event) -> None:
        async with self._sending:
            if self._torn:
                raise Disconnected
            try:
                data = self._frames.send(event)
            except LocalProtocolError as error:
                raise Disconnected from error
            self._torn = True
            try:
                await self._stream.send_all(data)
            except STREAM_ENDED as error:
                raise Disconnected from error
            self._torn = False

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """
        Say goodbye and wait for the answer, no longer than `CLOSE_SECONDS`.

        The stream stays open: it belongs to whoever made it.
        """
        with trio.move_on_after(CLOSE_SECONDS):
            try:
                await self._send(CloseConnection(code, reason))
                while self._frames.state is not ConnectionState.CLOSED:
                    data = await self._receive_some()
                    if not self._deaf:
                        self._frames.receive_data(data)
                        self._deaf = any(
                            isinstance(event, CloseConnection) for event in self._frames.events()
                        )
            except Disconnected:
                return

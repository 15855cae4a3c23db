"""
HTTP/1.1 and WebSockets over any Trio stream.

h11 and wsproto know the grammar; this module moves their bytes, bounds what a peer may make us
hold, and keeps their exceptions to itself. Nothing here knows about speech.
"""

from __future__ import annotations

from typing import Final

import attrs
import h11
import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, generate_accept_token

from .http import Headers, Malformed, Request, read_target

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
CLOSE_SECONDS: Final = 1.0  # for a peer to answer our close, or to read our last answer
RECEIVE_BYTES: Final = 64 * 1024
STREAM_ENDED: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


class Disconnected(Exception):
    """
    The peer is gone, or one of us has said goodbye: no more messages, either way.

    Attributes:
        code: The WebSocket close code, 1006 if there was no close at all.
    """

    def __init__(self, code: int = 1006) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


@attrs.define(eq=False)
class HttpConnection:
    """
    One stream that carries requests one after another, until it becomes a WebSocket.
    """

    stream: trio.abc.Stream
    max_body_bytes: int = MAX_BODY_BYTES
    _head: bool = attrs.field(default=False, init=False)
    _http: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES),
        init=False,
    )

    async def read_request(self) -> Request | None:
        """
        Read the next request with its body; None when there will be no more.

        Raises:
            Malformed: It is not HTTP/1.1, or too large. Answer, and hang up.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:  # one of us wants no further request
            return None
        try:
            event = await self._next_event()
            if not isinstance(event, h11.Request):
                return None
            self._head = event.method == b"HEAD"
            return _request(event, await self._read_body())
        except h11.RemoteProtocolError as error:
            raise Malformed(error.error_status_hint, "This is not HTTP/1.1.") from error
        except STREAM_ENDED:
            return None

    async def _read_body(self) -> bytes:
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > self.max_body_bytes:
                raise Malformed(413, f"The body has more than {self.max_body_bytes} bytes.")
        return bytes(body)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(bytes(await self.stream.receive_some(RECEIVE_BYTES)))
        return event

    async def _send(self, *events: h11.Event) -> None:
        data = b"".join(self._http.send(event) or b"" for event in events)
        try:
            await self.stream.send_all(data)
        except STREAM_ENDED as error:
            raise Disconnected from error

    async def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """
        Answer the request, or what could not be read as one.
        """
        response = h11.Response(
            status_code=status, headers=[("content-length", str(len(body))), *headers]
        )
        content = [] if self._head else [h11.Data(data=body)]
        await self._send(response, *content, h11.EndOfMessage())

    async def accept_websocket(
        self, request: Request, *, max_message_bytes: int, headers: Headers = ()
    ) -> WebSocket:
        """
        Answer 101 to a request that `check_handshake` has passed.
        """
        accept = generate_accept_token(request.headers["sec-websocket-key"].encode())
        switch = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", accept.decode()),
            *headers,
        ]
        await self._send(h11.InformationalResponse(status_code=101, headers=switch))
        early, _ = self._http.trailing_data
        return WebSocket(self.stream, early, max_message_bytes=max_message_bytes)


def _request(event: h11.Request, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    path, query = read_target(event.target.decode("latin-1"))
    return Request(
        method=event.method.decode("ascii"),
        path=path,
        query=query,
        headers=headers,
        http_version=event.http_version.decode("ascii"),
        body=body,
    )


@attrs.define(eq=False)
class WebSocket:
    """
    Whole messages over one stream. Any number of tasks may send; one receives.
    """

    _stream: trio.abc.Stream
    _early: bytes = b""
    _max_message_bytes: int = attrs.field(kw_only=True)
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


async def hang_up(stream: trio.abc.Stream) -> None:
    """
    Close *stream* so that the peer can still read our last words.

    Bytes that nobody has read would turn a plain close into a reset, which may overtake them.
    """
    try:
        with trio.move_on_after(CLOSE_SECONDS):
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()
            while await stream.receive_some(RECEIVE_BYTES):
                pass
    except STREAM_ENDED:
        pass
    finally:
        await trio.aclose_forcefully(stream)

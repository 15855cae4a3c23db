"""HTTP/1.1 over any Trio stream.

h11 parses and serializes. This module reads and writes the bytes, limits the memory that a peer can
use, and translates h11's exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs
import h11
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.messages import MessageFaults
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.messages.multipart import is_form
from trio_cartesia.server.net.deflate import Deflate
from trio_cartesia.server.net.requests import (
    Headers,
    HTTPError,
    Request,
    check_framing,
    parse_target,
)
from trio_cartesia.server.net.websocket import WebSocket, accept_token
from trio_cartesia.server.streams import RECEIVE_BYTES, STREAM_ENDED, Disconnected

MAX_HEADER_BYTES: Final = 64 * 1024  # request line and header fields together
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_FORM_BYTES: Final = 32 * 1024 * 1024  # a body that may have files
MAX_CHUNKS: Final = 16 * 1024  # of one body: each costs far more time than its bytes do
NO_REQUEST: Final = Request(method="-", path="-")
FILE_TOO_LARGE: Final = "file_too_large"
UNREAD: Final = frozenset({h11.IDLE, h11.SEND_BODY, h11.ERROR})  # states of a peer
CLOSE: Final = ("connection", "close")
BODILESS: Final = frozenset({204, 304})
LINE_TOO_LONG: Final = f"The request line has more than {MAX_HEADER_BYTES} bytes."
HEADERS_TOO_LONG: Final = f"The header has more than {MAX_HEADER_BYTES} bytes."


def _faulty(stream: trio.abc.Stream) -> FaultyStream:
    return FaultyStream.wrap(stream)


@attrs.define(eq=False)
class HttpConnection:
    """One stream that carries requests one after another, until it becomes a WebSocket.

    Attributes:
        request: The last request that was read, or the part of it that could be parsed.
    """

    stream: FaultyStream = attrs.field(converter=_faulty)
    max_body_bytes: int = MAX_BODY_BYTES
    max_form_bytes: int = MAX_FORM_BYTES
    request: Request = attrs.field(default=NO_REQUEST, init=False)
    _http: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES),
        init=False,
    )
    _received_bytes: int = attrs.field(default=0, init=False)

    async def read_request(
        self, may_upload: Callable[[Request], bool] = lambda _: True
    ) -> Request | None:
        """Read the next request with its body; return None if there are no more.

        Args:
            may_upload: Called with the head of a request whose body is a form. If it returns False,
                the body is not read, and the response closes the connection.

        Raises:
            HTTPError: It is not HTTP/1.1, or too large. Respond with the error, and close the
                connection.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        await self.stream.disarm()
        self.request = NO_REQUEST
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:  # one side has announced the close
            return None
        try:
            if not await self._read_head():
                return None
            is_upload = is_form(self.request.headers.get("content-type", ""))
            if is_upload and not may_upload(self.request):
                return self.request
            body = await self._read_body(is_upload)
        except h11.RemoteProtocolError as error:
            raise HTTPError(error.error_status_hint, "This is not HTTP/1.1.") from error
        except STREAM_ENDED:
            return None
        return attrs.evolve(self.request, body=body)

    async def _read_head(self) -> bool:
        """Read and check the head of a request; return False if the peer sends no more."""
        start = self._consumed_bytes()
        try:
            event = await self._next_event()
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == 431:
                is_in_line = b"\n" not in self._http.trailing_data[0][:MAX_HEADER_BYTES]
                raise _too_long(is_in_line) from error
            raise
        if not isinstance(event, h11.Request):
            return False
        self.request = _parse_head(event)
        if self._consumed_bytes() - start > MAX_HEADER_BYTES:  # h11 limits incomplete heads only
            line_bytes = len(event.method) + len(event.target) + len("  HTTP/1.1\r\n")
            raise _too_long(line_bytes > MAX_HEADER_BYTES)
        path, query = parse_target(event.target.decode("latin-1"))
        self.request = attrs.evolve(self.request, path=path, query=query)
        check_framing(self.request)
        _ = self.request.host  # raises unless it is valid
        return True

    def _consumed_bytes(self) -> int:
        return self._received_bytes - len(self._http.trailing_data[0])

    async def _read_body(self, is_upload: bool) -> bytes:
        most_bytes = self.max_form_bytes if is_upload else self.max_body_bytes
        code = FILE_TOO_LARGE if is_upload else None  # protocol §1.7.5
        too_long = HTTPError(413, f"The body has more than {most_bytes} bytes.", code=code)
        if int(self.request.headers.get("content-length", "0")) > most_bytes:
            raise too_long
        body, chunks = bytearray(), 0
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            chunks += event.chunk_start
            if len(body) > most_bytes:
                raise too_long
            if chunks > MAX_CHUNKS:
                raise HTTPError(413, f"The body has more than {MAX_CHUNKS} chunks.")
            await trio.lowlevel.checkpoint()  # one read may hold thousands of small chunks
        return bytes(body)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._receive_data(await self.stream.receive_some(RECEIVE_BYTES))
        return event

    def _receive_data(self, data: bytes | bytearray) -> None:
        self._received_bytes += len(data)
        self._http.receive_data(bytes(data))

    def arm(self, faults: Iterable[Fault]) -> None:
        """Inject *faults* into the next response, or into the WebSocket that it opens."""
        self.stream.arm(faults)

    async def _send(self, *events: h11.Event) -> None:
        try:
            if self.stream.is_armed:
                await self._send_counting(events)
            else:
                data = b"".join(self._http.send(event) or b"" for event in events)
                await self.stream.send_all(data)
        except STREAM_ENDED as error:
            raise Disconnected from error

    async def _send_counting(self, events: Iterable[h11.Event]) -> None:
        """Send *events* so that faults know which bytes belong to the body."""
        for event in events:
            body = event.data if isinstance(event, h11.Data) else None
            for part in self._http.send_with_data_passthrough(event) or ():
                if part is body:
                    await self.stream.send_all(part)
                else:
                    await self.stream.send_uncounted(part)
            if isinstance(event, (h11.Response, h11.InformationalResponse)):
                await self.stream.begin(is_body=isinstance(event, h11.Response))

    @property
    def can_respond(self) -> bool:
        """True if no response to the current request has begun."""
        return self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}

    async def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """Send a whole response, to a request or to bytes that are not a valid request.

        It announces the end of the connection if the request was not read to its end.
        """
        has_body = status not in BODILESS
        length = [("content-length", str(len(body)))] if has_body else []
        close = [CLOSE] if self._http.their_state in UNREAD else []
        response = h11.Response(status_code=status, headers=[*length, *headers, *close])
        content = [h11.Data(data=body)] if has_body and self.request.method != "HEAD" else []
        await self._send(response, *content, h11.EndOfMessage())

    async def start_response(self, status: int, headers: Headers = ()) -> None:
        """Start a response of unknown length; HTTP/1.1 peers get it in chunks."""
        await self._send(h11.Response(status_code=status, headers=list(headers)))

    async def send_data(self, data: bytes) -> None:
        """Send the next part of the body; if cancelled, the peer sees that the body is cut."""
        if data:
            await self._send(h11.Data(data=data))

    async def end_response(self) -> None:
        """End a response that is complete."""
        await self._send(h11.EndOfMessage())

    async def wait_disconnected(self) -> None:
        """Wait until the peer closes its side, while the response to its request is generated.

        Requests that arrive meanwhile are buffered. After `MAX_HEADER_BYTES` of them reading stops,
        so a later close is not noticed.
        """
        kept = len(self._http.trailing_data[0])
        try:
            while kept < MAX_HEADER_BYTES:
                data = await self.stream.receive_some(RECEIVE_BYTES)
                self._receive_data(data)
                kept += len(data)
                if not data:
                    return
        except STREAM_ENDED:
            return
        await trio.sleep_forever()

    async def accept_websocket(
        self,
        request: Request,
        *,
        max_message_bytes: int,
        headers: Headers = (),
        deflate: bool = False,
        faults: MessageFaults | None = None,
    ) -> WebSocket:
        """Accept a handshake that `check_handshake` has checked, with status 101.

        Args:
            request: The handshake.
            max_message_bytes: A longer message closes the WebSocket.
            headers: Further headers of the response.
            deflate: Whether messages may be compressed, if the peer offers it.
            faults: Faults to inject into messages.
        """
        offers = request.headers.get("sec-websocket-extensions", "")
        negotiated = Deflate.negotiate(offers) if deflate else None
        extensions = [("sec-websocket-extensions", negotiated.answer)] if negotiated else []
        switch = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", accept_token(request.headers["sec-websocket-key"])),
            *extensions,
            *headers,
        ]
        await self._send(h11.InformationalResponse(status_code=101, headers=switch))
        early, _ = self._http.trailing_data
        return WebSocket(
            self.stream,
            early,
            max_message_bytes=max_message_bytes,
            deflate=negotiated,
            faults=faults,
        )


def _too_long(is_in_line: bool) -> HTTPError:
    return HTTPError(414, LINE_TOO_LONG) if is_in_line else HTTPError(431, HEADERS_TOO_LONG)


def _parse_head(event: h11.Request) -> Request:
    """Return the head of a request, without its target."""
    headers: dict[str, list[str]] = {}
    for name, value in event.headers:
        headers.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    return Request(
        method=event.method.decode("ascii"),
        path="-",
        headers={name: ",".join(values) for name, values in headers.items()},
        http_version=event.http_version.decode("ascii"),
    )

"""
HTTP/1.1 over any Trio stream.

h11 knows the grammar; this module moves its bytes, bounds what a peer may make us hold, and keeps
its exceptions to itself. Nothing here knows about speech.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs
import h11
import trio

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.messages import MessageFaults
from trio_cartesia.server.faults.stream import FaultyStream
from trio_cartesia.server.net.deflate import Deflate
from trio_cartesia.server.net.requests import Headers, HTTPError, Request, parse_target
from trio_cartesia.server.net.websocket import WebSocket, accept_token
from trio_cartesia.server.streams import RECEIVE_BYTES, STREAM_ENDED, Disconnected

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
NO_REQUEST: Final = Request(method="-", path="-")
BODILESS: Final = frozenset({204, 304})


def _faulty(stream: trio.abc.Stream) -> FaultyStream:
    return FaultyStream.around(stream)


@attrs.define(eq=False)
class HttpConnection:
    """
    One stream that carries requests one after another, until it becomes a WebSocket.

    Attributes:
        asked: What is known of the request that was read last, whether or not it can be served.
    """

    stream: FaultyStream = attrs.field(converter=_faulty)
    max_body_bytes: int = MAX_BODY_BYTES
    asked: Request = attrs.field(default=NO_REQUEST, init=False)
    _http: h11.Connection = attrs.field(
        factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER_BYTES),
        init=False,
    )

    async def read_request(self) -> Request | None:
        """
        Read the next request with its body; None when there will be no more.

        Raises:
            HTTPError: It is not HTTP/1.1, or too large. Answer, and hang up.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        await self.stream.disarm()
        self.asked = NO_REQUEST
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:  # one of us wants no further request
            return None
        try:
            event = await self._next_event()
            if not isinstance(event, h11.Request):
                return None
            self.asked = _asked(event)
            path, query = parse_target(event.target.decode("latin-1"))
            self.asked = attrs.evolve(self.asked, path=path, query=query)
            return attrs.evolve(self.asked, body=await self._read_body())
        except h11.RemoteProtocolError as error:
            raise HTTPError(error.error_status_hint, "This is not HTTP/1.1.") from error
        except STREAM_ENDED:
            return None

    async def _read_body(self) -> bytes:
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > self.max_body_bytes:
                raise HTTPError(413, f"The body has more than {self.max_body_bytes} bytes.")
            await trio.lowlevel.checkpoint()  # many small pieces may have come at once
        return bytes(body)

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(bytes(await self.stream.receive_some(RECEIVE_BYTES)))
        return event

    def arm(self, faults: Iterable[Fault]) -> None:
        """
        Let *faults* happen to the answer that comes next, and to the WebSocket if it is one.
        """
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
        """
        Send *events* so that faults know which bytes are the body's.
        """
        for event in events:
            body = event.data if isinstance(event, h11.Data) else None
            for part in self._http.send_with_data_passthrough(event) or ():
                if part is body:
                    await self.stream.send_all(part)
                else:
                    await self.stream.send_uncounted(part)
            if isinstance(event, (h11.Response, h11.InformationalResponse)):
                await self.stream.begin(is_body=isinstance(event, h11.Response))

    async def respond(self, status: int, body: bytes, headers: Headers = ()) -> None:
        """
        Answer the request, or what could not be read as one.
        """
        has_body = status not in BODILESS
        length = [("content-length", str(len(body)))] if has_body else []
        response = h11.Response(status_code=status, headers=[*length, *headers])
        content = [h11.Data(data=body)] if has_body and self.asked.method != "HEAD" else []
        await self._send(response, *content, h11.EndOfMessage())

    async def start_response(self, status: int, headers: Headers = ()) -> None:
        """
        Begin an answer whose length nobody knows yet; HTTP/1.1 peers get it in chunks.
        """
        await self._send(h11.Response(status_code=status, headers=list(headers)))

    async def send_data(self, data: bytes) -> None:
        """
        Send the next piece of the answer; if cancelled, the answer is cut and the peer sees that.
        """
        if data:
            await self._send(h11.Data(data=data))

    async def end_response(self) -> None:
        """
        End an answer that has all its pieces.
        """
        await self._send(h11.EndOfMessage())

    async def wait_gone(self) -> None:
        """
        Return when the peer has closed its side, while the answer to its request is still made.

        Further requests that come early are kept. After too many bytes of them nobody listens for
        the end any more.
        """
        kept = len(self._http.trailing_data[0])
        try:
            while kept < MAX_HEADER_BYTES:
                data = bytes(await self.stream.receive_some(RECEIVE_BYTES))
                self._http.receive_data(data)
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
        """
        Answer 101 to a request that `check_handshake` has passed.

        Args:
            request: Which the WebSocket comes of.
            max_message_bytes: A longer message closes it.
            headers: What the answer has beside its own.
            deflate: Whether messages may be compressed, if the peer offers to.
            faults: What is to go wrong with messages.
        """
        offers = request.headers.get("sec-websocket-extensions", "")
        deflated = Deflate.agreed(offers) if deflate else None
        extensions = [("sec-websocket-extensions", deflated.answer)] if deflated else []
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
            deflate=deflated,
            faults=faults,
        )


def _asked(event: h11.Request) -> Request:
    """
    Return what the head of a request tells, but for its address.
    """
    headers: dict[str, list[str]] = {}
    for name, value in event.headers:
        headers.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    return Request(
        method=event.method.decode("ascii"),
        path="-",
        headers={name: ",".join(values) for name, values in headers.items()},
        http_version=event.http_version.decode("ascii"),
    )

"""A service in memory that gives scripted answers, and records what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import h11
import trio

from trio_cartesia import Cartesia
from trio_cartesia.testing import bounded_stream_pair

KEY = "sk_car_canary"
CLOSE = object()  # in an answer: end the connection there
STALL = object()  # send nothing more


@attrs.frozen
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer(
    body: object = b"", *, status: int = 200, kind: str | None = None, **headers: str
) -> list[bytes]:
    """Return an answer of a known length: bytes as they are, everything else as JSON."""
    if not isinstance(body, bytes):
        body, kind = json.dumps(body).encode(), kind or "application/json"
    fields = {"content-length": str(len(body)), "content-type": kind} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return ["\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body]


def chunked(*pieces: bytes, kind: str = "audio/wav", ends: bool = True) -> list[object]:
    """Return an answer in chunks; one that does not end is cut short."""
    head = f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: {kind}\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return [head.encode(), *chunks, b"0\r\n\r\n" if ends else CLOSE]


@attrs.define(repr=False)
class Scripted:
    """Gives the answers in order, on any connection; the last one again and again.

    A float among the parts of an answer is a time to wait, in seconds.

    Attributes:
        connections: How many were opened.
        refused: How many connections to refuse first.
    """

    answers: list[Iterable[object]]
    nursery: trio.Nursery
    asked: list[Asked] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    connections: int = 0
    refused: int = 0

    async def open_stream(self, *_: object) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.times.append(trio.current_time())
        if self.refused:
            self.refused -= 1
            raise OSError("connection refused")
        self.connections += 1
        ours, theirs = bounded_stream_pair()
        self.nursery.start_soon(self.serve, theirs)
        return ours

    async def serve(self, stream: trio.abc.Stream) -> None:
        data = b""
        async with stream:
            while (read := await self.read_request(stream, data)) is not None:
                asked, data = read
                self.asked.append(asked)
                script = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                try:
                    for part in script:
                        if part is CLOSE:
                            return
                        if part is STALL:
                            await trio.sleep_forever()
                        if isinstance(part, float):
                            await trio.sleep(part)
                        else:
                            await stream.send_all(part)
                except trio.BrokenResourceError:
                    return

    async def read_request(
        self, stream: trio.abc.Stream, data: bytes
    ) -> tuple[Asked, bytes] | None:
        http, head, body = h11.Connection(h11.SERVER), None, bytearray()
        http.receive_data(data) if data else None
        while True:
            event = http.next_event()
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            elif event is h11.NEED_DATA:
                try:
                    received = await stream.receive_some()
                except trio.BrokenResourceError:
                    return None
                if not received:
                    return None
                http.receive_data(received)
        headers: dict[str, str] = {}
        for name, value in ((name.decode(), value.decode()) for name, value in head.headers):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        asked = Asked(head.method.decode(), head.target.decode(), headers, bytes(body))
        return asked, http.trailing_data[0]


@asynccontextmanager
async def scripted(
    *answers: Iterable[object], **options: Any
) -> AsyncIterator[tuple[Cartesia, Scripted]]:
    """Yield a client, in its block, of a service that gives these answers."""
    async with trio.open_nursery() as nursery:
        service = Scripted(list(answers), nursery)
        credential = {} if "token" in options else {"api_key": KEY}
        client = Cartesia(
            **(
                {"base_url": "http://localhost/prefix", "open_stream": service.open_stream}
                | credential
                | options
            )
        )
        async with client:
            yield client, service
        nursery.cancel_scope.cancel()

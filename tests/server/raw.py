"""A client that looks at every byte, over each kind of connection that the service is reached
by.
"""

from __future__ import annotations

import json
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, wraps
from typing import Any

import attrs
import pytest
import trio
import trustme

from tests.server.support import WEBSOCKET, Json
from trio_cartesia.server import Server, Tones, open_server
from trio_cartesia.testing import bounded_stream_pair, on_virtual_time

MASK = bytes(4)
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@attrs.frozen
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True

    @property
    def json(self) -> Json:
        return json.loads(self.payload)

    @property
    def code(self) -> int:
        return struct.unpack("!H", self.payload[:2])[0]


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame, made by hand."""
    size = len(payload)
    short = size if size < 126 else 126 if size < 65536 else 127
    extended = b"" if size < 126 else struct.pack("!H" if size < 65536 else "!Q", size)
    return bytes([0x80 * fin | opcode, 0x80 | short]) + extended + MASK + payload


def frames_in(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames in *data*, and what is left of one that is cut."""
    found = []
    while len(data) >= 2:
        head, size = 2, data[1]
        assert size < 128  # the service does not mask
        if size > 125:
            head = 4 if size == 126 else 10
            if len(data) < head:
                break
            size = int.from_bytes(data[2:head], "big")
        if len(data) < head + size:
            break
        found.append(Frame(data[0] & 15, data[head : head + size], bool(data[0] & 128)))
        data = data[head + size :]
    return found, data


@attrs.define(eq=False)
class Raw:
    """Attributes:
    head: The answer to the request, up to its empty line.
    received: What came after it.
    """

    stream: trio.abc.Stream
    head: bytes = b""
    received: bytes = b""

    async def request(
        self, method: str, target: str, *headers: tuple[str, str], body: bytes = b""
    ) -> None:
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Content-Length: {len(body)}"] if body else []
        await self.stream.send_all("\r\n".join([*lines, "", ""]).encode() + body)

    async def send_handshake(self, target: str, *headers: tuple[str, str]) -> None:
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        about = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", KEY)]
        await self.request("GET", target, *upgrade, *about, *headers)

    async def read_head(self) -> int:
        """The status of the answer."""
        while b"\r\n\r\n" not in self.received:
            data = await self.stream.receive_some(65536)
            assert data
            self.received += bytes(data)
        self.head, _, self.received = self.received.partition(b"\r\n\r\n")
        return int(self.head.split()[1])

    async def send(self, message: Json) -> None:
        await self.stream.send_all(frame(1, json.dumps(message).encode()))

    async def read_until_end(self, seconds: float = 5) -> str:
        """Read to the end, and tell how it ended; ``silence`` if it has not after so long."""
        with trio.move_on_after(seconds):
            try:
                while data := await self.stream.receive_some(65536):
                    self.received += bytes(data)
            except trio.BrokenResourceError as error:
                return "reset" if is_reset(error) else "fin"
            return "goodbye" if isinstance(self.stream, trio.SSLStream) else "fin"
        return "silence"

    async def receive_messages(self, count: int) -> list[Json]:
        """Read on until so many messages have come altogether."""
        while len(self.frames) < count:
            data = await self.stream.receive_some(65536)
            assert data
            self.received += bytes(data)
        return self.messages

    @property
    def frames(self) -> list[Frame]:
        return frames_in(self.received)[0]

    async def receive_until_done(self, context_id: str = "a") -> None:
        """Read on until this context, whose last event is no error, is done."""
        end = b'{"type":"done","context_id":"%s"' % context_id.encode()
        while end not in self.received:
            data = await self.stream.receive_some(65536)
            assert data
            self.received += bytes(data)

    @property
    def rest(self) -> bytes:
        return frames_in(self.received)[1]

    @property
    def messages(self) -> list[Json]:
        return [frame.json for frame in self.frames if frame.opcode == 1]


def is_reset(error: BaseException) -> bool:
    """Whether *error*, with which receiving ended, comes of a reset rather than of an early FIN."""
    causes = [error, error.__cause__, error.__context__]
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return False  # TLS that ended without saying so
    return "reset" in str(error) or any(isinstance(cause, ConnectionError) for cause in causes)


@cache
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """One for a server, with a certificate of ours, and one for clients that trust it."""
    authority = trustme.CA()
    mine = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(mine)
    authority.configure_trust(theirs)
    # Older Pythons take an end without close_notify for one with it, unless told otherwise.
    theirs.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return mine, theirs


@attrs.define(eq=False)
class RunningService:
    """A service, and how it is reached."""

    transport: str
    server: Server
    nursery: trio.Nursery
    dialled: list[trio.abc.Stream] = attrs.field(factory=list)

    async def dial(self) -> Raw:
        stream = await self._open()
        self.dialled.append(stream)
        return Raw(stream)

    async def _open(self) -> trio.abc.Stream:
        if self.transport == "memory":
            ours, theirs = bounded_stream_pair()
            self.nursery.start_soon(self.server.serve_stream, theirs)
            return ours
        port = int(self.server.url.rpartition(":")[2])
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        if self.transport == "tcp":
            return stream
        return trio.SSLStream(stream, contexts()[1], server_hostname="localhost")

    async def end_of(self, context_id: str) -> str:
        """How the service says that a context has ended."""
        while True:
            if (ended := self.server.journal.context(context_id).ended) is not None:
                return ended
            await trio.sleep(0.01)

    async def wait_for_transcript(self, transcript: str) -> None:
        """Wait until the service has that from somebody."""
        while True:
            if any(context.transcript == transcript for context in self.server.journal.contexts):
                return
            await trio.sleep(0.01)

    async def connect(self, fault: str = "", target: str = WEBSOCKET) -> Raw:
        """A WebSocket on which *fault* is asked for."""
        raw = await self.dial()
        await raw.send_handshake(target, *([("X-Fault", fault)] if fault else []))
        assert await raw.read_head() == 101
        return raw


@asynccontextmanager
async def service(transport: str, **options: Any) -> AsyncIterator[RunningService]:
    """A service that speaks in tones, reached over *transport*."""
    port = None if transport == "memory" else 0
    tls = contexts()[0] if transport == "tls" else False
    async with trio.open_nursery() as nursery:
        async with open_server(port=port, tls=tls, **{"voice": Tones(), **options}) as server:
            place = RunningService(transport, server, nursery)
            try:
                yield place
            finally:
                with trio.CancelScope(shield=True):
                    for stream in place.dialled:
                        await trio.aclose_forcefully(stream)
        nursery.cancel_scope.cancel()


def everywhere(test: Callable[..., Awaitable[None]]) -> Any:
    """Run a test, whose first argument is the transport, in memory, over TCP and over TLS.

    In memory time is virtual; elsewhere ten seconds of it must do.
    """

    @pytest.mark.parametrize("transport", ["memory", "tcp", "tls"])
    @wraps(test)
    def run(transport: str, **others: Any) -> None:
        async def main() -> None:
            with trio.fail_after(10):
                await test(transport, **others)

        if transport == "memory":
            on_virtual_time(test)(transport, **others)
        else:
            trio.run(main)

    return run

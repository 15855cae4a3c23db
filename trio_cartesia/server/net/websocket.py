"""
WebSockets over any Trio stream, once the handshake is done.

wsproto knows the grammar; this module moves its bytes, bounds what a peer may make us hold, and
keeps its exceptions to itself. Nothing here knows about speech.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import islice
from typing import Final

import attrs
import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, generate_accept_token

from trio_cartesia.server.faults.faults import Fault
from trio_cartesia.server.faults.injector import ENDINGS
from trio_cartesia.server.faults.messages import MessageFaults, PlannedMessage
from trio_cartesia.server.net.deflate import DEFLATED_BYTES, Deflate
from trio_cartesia.server.streams import CLOSE_SECONDS, RECEIVE_BYTES, STREAM_ENDED, Disconnected

FRAGMENTS: Final = 100  # made at once
FRAMES: Final = 100  # taken at once, of those that make no message
FLOOD_BYTES: Final = 64 * 1024  # sent at once, of a message that is too large to be held


def accept_token(key: str) -> str:
    """
    Return the ``Sec-WebSocket-Accept`` that answers a client's key (RFC 6455 §4.2.2).
    """
    return generate_accept_token(key.encode()).decode()


@attrs.define(eq=False)
class WebSocket:
    """
    Whole messages over one stream. Any number of tasks may send; one receives.

    Attributes:
        pinged_at: When the peer's last ping came; minus infinity if none has.
    """

    _stream: trio.abc.Stream
    _early: bytes = b""
    _max_message_bytes: int = attrs.field(kw_only=True)
    _deflate: Deflate | None = attrs.field(default=None, kw_only=True)
    _faults: MessageFaults | None = attrs.field(default=None, kw_only=True)
    pinged_at: float = attrs.field(default=-math.inf, init=False)
    _frames: Connection = attrs.field(init=False)
    _sending: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _torn: bool = attrs.field(default=False, init=False)  # a frame may have gone out by half
    _deaf: bool = attrs.field(default=False, init=False)  # what comes makes no sense any more
    _message: bytearray = attrs.field(factory=bytearray, init=False)  # as far as it has come

    def __attrs_post_init__(self) -> None:
        extensions = self._deflate.extensions() if self._deflate else []
        self._frames = Connection(ConnectionType.SERVER, extensions, self._early)

    async def receive(self) -> str | bytes:
        """
        Return the next message; answer pings and the peer's close on the way.

        Raises:
            Disconnected: There will be no more. A peer that broke the rules has been told how.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            for count, event in enumerate(self._frames.events(), 1):
                message = await self._take(event)
                if message is not None:
                    return message
                if count % FRAMES == 0:
                    await trio.lowlevel.checkpoint()
            self._frames.receive_data(await self._receive_some())

    async def _receive_some(self) -> bytes:
        try:
            most = DEFLATED_BYTES if self._deflate else RECEIVE_BYTES
            data = await self._stream.receive_some(most)
        except STREAM_ENDED as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        return bytes(data)

    async def _take(self, event: Event) -> str | bytes | None:
        if isinstance(event, (TextMessage, BytesMessage)):
            return await self._join(event)
        if isinstance(event, Ping):
            self.pinged_at = trio.current_time()
            await self._send(event.response())
        elif isinstance(event, CloseConnection):
            if self._frames.state is ConnectionState.REMOTE_CLOSING:
                await self._send(event.response())
            elif self._frames.state is ConnectionState.OPEN:  # a frame that breaks the rules
                self._deaf = True
                await self.aclose(event.code, "protocol error")
            raise Disconnected(event.code)
        return None

    async def _join(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        is_text = isinstance(event.data, str)
        self._message += event.data.encode() if isinstance(event.data, str) else event.data
        if len(self._message) > self._max_message_bytes:  # protocol §2.11
            await self.aclose(1009, f"more than {self._max_message_bytes} bytes")
            raise Disconnected(1009)
        if not event.message_finished:
            return None
        message, self._message = self._message, bytearray()
        return message.decode() if is_text else bytes(message)

    async def send(self, message: str) -> None:
        """
        Send a text message.

        If cancelled while its bytes are on their way the connection is lost, for the peer
        may have half a frame; if cancelled before, nothing has happened.

        Raises:
            Disconnected: It cannot arrive any more.
            Refused: A fault says so; nothing has been sent.
        """
        if self._faults is None:
            await self._send(TextMessage(message))
        else:
            await self._send_planned(self._faults.plan(message), self._faults)

    async def _send(self, event: Event) -> None:
        async with self._sending:
            await self._write(self._framed(event))

    def _framed(self, *events: Event) -> bytes:
        try:
            return b"".join(map(self._frames.send, events))
        except LocalProtocolError as error:
            raise Disconnected from error

    async def _write(self, data: bytes) -> None:
        if self._torn:
            raise Disconnected
        self._torn = True
        try:
            await self._stream.send_all(data)
        except STREAM_ENDED as error:
            raise Disconnected from error
        self._torn = False

    async def _send_planned(self, planned: PlannedMessage, faults: MessageFaults) -> None:
        """
        Send what has become of a message.
        """
        await trio.sleep(planned.wait_seconds)
        if planned.refused is not None:
            raise planned.refused
        if planned.is_dropped:
            return
        async with self._sending:
            for text in planned.before:
                await self._write(self._framed(TextMessage(text)))
            for piece in _flood(planned.flood_bytes):
                await self._write(piece)
            for fault in planned.triggers:
                await self._trigger(fault, planned, faults)
            await self._write(await self._frames_of(planned))
            for text in planned.after:
                await self._write(self._framed(TextMessage(text)))

    async def _frames_of(self, planned: PlannedMessage) -> bytes:
        """
        Return the message as it crosses the wire; nobody waits while there are many fragments.
        """
        frames, fragments = bytearray(), _fragments(planned)
        while some := tuple(islice(fragments, FRAGMENTS)):
            frames += self._framed(*some)
            await trio.lowlevel.checkpoint()
        return bytes(frames)

    async def _trigger(self, fault: Fault, planned: PlannedMessage, faults: MessageFaults) -> None:
        """
        Let *fault* happen before the message is sent, or inside it.

        Raises:
            Disconnected: The connection has ended with it.
        """
        if fault.name == "close":
            self._framed(CloseConnection(1000))  # which is what wsproto is to believe
            await self._write(_close_frame(fault))
            await trio.sleep(CLOSE_SECONDS)  # whoever receives knows of an answer earlier
            raise Disconnected(fault.code or 0)
        if fault.name in ENDINGS:
            frames = await self._frames_of(planned)
            size = len(frames) // 2 if fault.size_bytes is None else fault.size_bytes
            if size:
                await self._write(frames[:size])
        await faults.stream.trigger(fault)
        if fault.name in ENDINGS:
            raise Disconnected

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


def _fragments(planned: PlannedMessage) -> Iterator[Event]:
    """
    Yield the message in as many frames as it is to have.
    """
    text = planned.text  # JSON in ASCII, so that characters are bytes
    size = planned.fragment_bytes or len(text)
    for start in range(0, len(text), size):
        piece, is_last = text[start : start + size], start + size >= len(text)
        if planned.is_binary:
            yield BytesMessage(piece.encode(), message_finished=is_last)
        else:
            yield TextMessage(piece, message_finished=is_last)


def _close_frame(fault: Fault) -> bytes:
    """
    Return a close frame, also with a code that may not be sent (RFC 6455 §7.4.1).
    """
    body = struct.pack("!H", fault.code) + (fault.reason or "").encode()
    return b"\x88\0" if fault.code == 1005 else bytes([0x88, len(body)]) + body


def _flood(size: int | None) -> Iterator[bytes]:
    """
    Yield one text frame of so many bytes, an event that nobody knows, piece by piece.
    """
    if size is None:
        return
    start, end = b'{"type":"surprise","done":false,"status_code":206,"text":"', b'"}'
    size = max(size, len(start) + len(end))
    yield b"\x81\x7f" + struct.pack("!Q", size) + start
    for left in range(size - len(start) - len(end), 0, -FLOOD_BYTES):
        yield b"x" * min(left, FLOOD_BYTES)
    yield end

"""WebSockets over any Trio stream, after the handshake.

wsproto parses and serializes frames. This module reads and writes the bytes, limits the memory that
a peer can use, and translates wsproto's exceptions.
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

FRAGMENTS_PER_TURN: Final = 100  # built before other tasks get a turn
EVENTS_PER_TURN: Final = 100  # handled before other tasks get a turn
FLOOD_BYTES: Final = 64 * 1024  # per write, of a message that is too large to keep in memory


def accept_token(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` for a client's key (RFC 6455 §4.2.2)."""
    return generate_accept_token(key.encode()).decode()


@attrs.define(eq=False)
class WebSocket:
    """Whole messages over one stream. Any number of tasks may send; one receives.

    Attributes:
        pinged_at: When the peer's last ping arrived; minus infinity before the first.
    """

    _stream: trio.abc.Stream
    _early: bytes = b""  # received together with the handshake
    _max_message_bytes: int = attrs.field(kw_only=True)
    _deflate: Deflate | None = attrs.field(default=None, kw_only=True)
    _faults: MessageFaults | None = attrs.field(default=None, kw_only=True)
    pinged_at: float = attrs.field(default=-math.inf, init=False)
    _wsproto: Connection = attrs.field(init=False)
    _send_lock: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    # set while a frame is being written, so it stays set if only a part of it was
    _has_partial_frame: bool = attrs.field(default=False, init=False)
    # set after a protocol error or a close, when further frames are not parsed
    _ignores_input: bool = attrs.field(default=False, init=False)
    _message: bytearray = attrs.field(factory=bytearray, init=False)  # its fragments so far

    def __attrs_post_init__(self) -> None:
        extensions = self._deflate.extensions() if self._deflate else []
        self._wsproto = Connection(ConnectionType.SERVER, extensions, self._early)

    async def receive(self) -> str | bytes:
        """Return the next message, and answer pings and the peer's close.

        Raises:
            Disconnected: No more messages can arrive. If the peer violated the protocol, it was
                sent a close frame with that reason.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            for count, event in enumerate(self._wsproto.events(), 1):
                message = await self._handle(event)
                if message is not None:
                    return message
                if count % EVENTS_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()
            self._wsproto.receive_data(await self._receive_some())

    async def _receive_some(self) -> bytes:
        try:
            max_bytes = DEFLATED_BYTES if self._deflate else RECEIVE_BYTES
            data = await self._stream.receive_some(max_bytes)
        except STREAM_ENDED as error:
            raise Disconnected from error
        if not data:
            raise Disconnected
        return bytes(data)

    async def _handle(self, event: Event) -> str | bytes | None:
        """Handle one event; return the message that it completes, if any."""
        if isinstance(event, (TextMessage, BytesMessage)):
            return await self._join(event)
        if isinstance(event, Ping):
            self.pinged_at = trio.current_time()
            await self._send(event.response())
        elif isinstance(event, CloseConnection):
            if self._wsproto.state is ConnectionState.REMOTE_CLOSING:
                await self._send(event.response())
            elif self._wsproto.state is ConnectionState.OPEN:  # the peer broke the protocol
                self._ignores_input = True
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
        """Send a text message.

        If cancelled while its bytes are being written, the connection can no longer be used,
        because the peer may have received a part of the frame; if cancelled before, nothing was
        sent.

        Raises:
            Disconnected: The connection has ended.
            APIError: A fault ends the context instead of the message; nothing was sent.
        """
        if self._faults is None:
            await self._send(TextMessage(message))
        else:
            await self._send_planned(self._faults.plan(message), self._faults)

    async def _send(self, event: Event) -> None:
        async with self._send_lock:
            await self._write(self._encode(event))

    def _encode(self, *events: Event) -> bytes:
        try:
            return b"".join(map(self._wsproto.send, events))
        except LocalProtocolError as error:
            raise Disconnected from error

    async def _write(self, data: bytes) -> None:
        if self._has_partial_frame:
            raise Disconnected
        self._has_partial_frame = True
        try:
            await self._stream.send_all(data)
        except STREAM_ENDED as error:
            raise Disconnected from error
        self._has_partial_frame = False

    async def _send_planned(self, planned: PlannedMessage, faults: MessageFaults) -> None:
        """Send a message as the faults changed it."""
        await trio.sleep(planned.wait_seconds)
        if planned.error is not None:
            raise planned.error
        if planned.is_dropped:
            return
        async with self._send_lock:
            for text in planned.before:
                await self._write(self._encode(TextMessage(text)))
            for part in _flood(planned.flood_bytes):
                await self._write(part)
            for fault in planned.stream_faults:
                await self._trigger(fault, planned, faults)
            await self._write(await self._encode_planned(planned))
            for text in planned.after:
                await self._write(self._encode(TextMessage(text)))

    async def _encode_planned(self, planned: PlannedMessage) -> bytes:
        """Return the frames of the message; other tasks get turns while there are many."""
        frames, fragments = bytearray(), _fragments(planned)
        while some := tuple(islice(fragments, FRAGMENTS_PER_TURN)):
            frames += self._encode(*some)
            await trio.lowlevel.checkpoint()
        return bytes(frames)

    async def _trigger(self, fault: Fault, planned: PlannedMessage, faults: MessageFaults) -> None:
        """Inject *fault* before the message is sent, or inside it.

        Raises:
            Disconnected: The fault has ended the connection.
        """
        if fault.name == "close":
            self._encode(CloseConnection(1000))  # so that wsproto is closing; its code is replaced
            await self._write(_close_frame(fault))
            await trio.sleep(CLOSE_SECONDS)  # the task that receives notices an answer earlier
            raise Disconnected(fault.code or 0)
        if fault.name in ENDINGS:
            frames = await self._encode_planned(planned)
            size = len(frames) // 2 if fault.size_bytes is None else fault.size_bytes
            if size:
                await self._write(frames[:size])
        await faults.stream.trigger(fault)
        if fault.name in ENDINGS:
            raise Disconnected

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame and wait for the answer, for at most `CLOSE_SECONDS`.

        The stream stays open: it belongs to the caller.
        """
        with trio.move_on_after(CLOSE_SECONDS):
            try:
                await self._send(CloseConnection(code, reason))
                while self._wsproto.state is not ConnectionState.CLOSED:
                    data = await self._receive_some()
                    if not self._ignores_input:
                        self._wsproto.receive_data(data)
                        self._ignores_input = any(
                            isinstance(event, CloseConnection) for event in self._wsproto.events()
                        )
            except Disconnected:
                return


def _fragments(planned: PlannedMessage) -> Iterator[Event]:
    """Yield the message in fragments of `PlannedMessage.fragment_bytes`."""
    text = planned.text  # JSON in ASCII, so that characters are bytes
    size = planned.fragment_bytes or len(text)
    for start in range(0, len(text), size):
        part, is_last = text[start : start + size], start + size >= len(text)
        if planned.is_binary:
            yield BytesMessage(part.encode(), message_finished=is_last)
        else:
            yield TextMessage(part, message_finished=is_last)


def _close_frame(fault: Fault) -> bytes:
    """Return a close frame, even with a code that must not be sent (RFC 6455 §7.4.1)."""
    body = struct.pack("!H", fault.code) + (fault.reason or "").encode()
    return b"\x88\0" if fault.code == 1005 else bytes([0x88, len(body)]) + body


def _flood(size: int | None) -> Iterator[bytes]:
    """Yield one text frame of *size* bytes in parts: an event of unknown type."""
    if size is None:
        return
    start, end = b'{"type":"surprise","done":false,"status_code":206,"text":"', b'"}'
    size = max(size, len(start) + len(end))
    yield b"\x81\x7f" + struct.pack("!Q", size) + start
    for left in range(size - len(start) - len(end), 0, -FLOOD_BYTES):
        yield b"x" * min(left, FLOOD_BYTES)
    yield end

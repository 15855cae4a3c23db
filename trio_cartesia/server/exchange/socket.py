"""One accepted WebSocket: receives messages, sends events, and closes when it is idle.

Every WebSocket endpoint has one and adds its own messages. Sending waits for a peer that does not
read, so no events accumulate.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.behaviour.behaviour import Behaviour
from trio_cartesia.server.net.websocket import WebSocket
from trio_cartesia.server.streams import Disconnected

__all__ = ["AFTER_ERROR", "STOPPING_CLOSE_SECONDS", "Socket", "close_code_after"]

STOPPING_CLOSE_SECONDS: Final = 0.1  # for the close frame when the service stops
IDLE: Final = "connection idle timeout"  # protocol §1.8, §7.1 T23
STOPPING: Final = (1001, "the service is stopping")
AFTER_ERROR: Final = "after an error"
LEFT: Final = "the peer has left"
_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


def close_code_after(status: int) -> int:
    """Return the code that closes a connection after an error with that status."""
    return 1011 if status >= 500 else 1008


@attrs.define(eq=False, kw_only=True)
class Socket:
    """The WebSocket of one session.

    Attributes:
        number: The connection's number in the journal.
        request_id: The request id of the handshake.
        version: The API version, which determines the form of errors.
        behaviour: The behaviour of the service where the protocol is open.
        idle_seconds: The time without messages after which the connection is closed.
        nursery: For tasks of the session, which end with it; set while it is served.
    """

    number: int
    request_id: str
    version: str
    behaviour: Behaviour
    idle_seconds: float
    _websocket: WebSocket
    nursery: trio.Nursery = attrs.field(init=False)
    _traffic_at: float = attrs.field(factory=trio.current_time, init=False)
    _in_flight: int = attrs.field(default=0, init=False)  # events
    _closing: tuple[int, str] | None = attrs.field(default=None, init=False)

    async def serve(
        self,
        receive: Callable[[str | bytes], Awaitable[None]],
        *,
        begin: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
        on_end: Callable[[], None],
    ) -> None:
        """Serve until the peer leaves or has been idle for too long, then close the WebSocket.

        If cancelled, the close has 0.1 seconds. The stream stays open.

        Args:
            receive: Called with each message; the next one is received once it has returned.
            begin: Called before the first message is received.
            on_end: Called when no further message will be received, before the close.
        """
        is_over = False
        try:
            async with trio.open_nursery() as self.nursery:
                self.nursery.start_soon(self._close_idle)
                await self._read(begin, receive)
                self.leave()
            is_over = True
        finally:
            on_end()
            if not is_over:
                with trio.move_on_after(STOPPING_CLOSE_SECONDS, shield=True):
                    await self._websocket.aclose(*STOPPING)
        if self._closing:
            await self._websocket.aclose(*self._closing)

    async def _read(
        self,
        begin: Callable[[], Awaitable[None]],
        receive: Callable[[str | bytes], Awaitable[None]],
    ) -> None:
        try:
            await begin()
            while True:
                message = await self._websocket.receive()
                self._traffic_at = trio.current_time()
                await trio.lowlevel.checkpoint()  # many messages may be buffered
                await receive(message)
        except Disconnected:
            return

    def close(self, code: int, reason: str) -> None:
        """End the session once no event is being sent, and close the connection with *code*."""
        self._closing = self._closing or (code, reason)
        if not self._in_flight:
            self.nursery.cancel_scope.cancel(reason)

    def leave(self) -> None:
        """End the session because the peer has left."""
        self.nursery.cancel_scope.cancel(LEFT)

    async def emit(self, event: dict[str, Any]) -> None:
        """Send an event.

        If the session is closing, it waits for the end of the session instead.

        Raises:
            APIError: A fault replaces the event by an error; nothing was sent.
            Disconnected: The connection has ended.
        """
        if self._closing:
            await trio.sleep_forever()  # until the event that is being sent has been sent
        self._in_flight += 1
        try:
            await self._websocket.send(_to_json(event))
            self._traffic_at = trio.current_time()
        finally:
            self._in_flight -= 1
            if event["type"] == "error" and self.behaviour.close_on_error:  # protocol §7.1 T19
                self._closing = close_code_after(event.get("status_code", 400)), AFTER_ERROR
            if self._closing:
                self.close(*self._closing)

    async def _close_idle(self) -> None:
        """End the session once no message was sent or received for too long."""
        while True:
            deadline = self._active_at + self.idle_seconds
            await trio.sleep_until(deadline)
            if deadline == self._active_at + self.idle_seconds:
                self._closing = self._closing or (self.behaviour.idle_close, IDLE)
                self.nursery.cancel_scope.cancel(IDLE)  # even while an event is being sent
                return

    @property
    def _active_at(self) -> float:
        """The time of the last traffic, with or without pings (protocol §7.1 T22)."""
        if not self.behaviour.ping_resets_idle:
            return self._traffic_at
        return max(self._traffic_at, self._websocket.pinged_at)

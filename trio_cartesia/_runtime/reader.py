"""
What comes from the service, on its way to the inboxes.

Messages come in two ways, and always in order: whole frames straight from the stream, and what
was not fit for that from the transport.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._protocol.tts.chunk_decoder import read_chunk
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.inbox import ByteCounter, Inbox
from trio_cartesia._runtime.transport.fast_path import Verdict
from trio_cartesia._runtime.transport.websocket import Transport
from trio_cartesia._runtime.waking import Waker

__all__ = ["Reader"]


_TAKEN: Final = Verdict.TAKEN  # looked up once: members of an Enum are slow to find


class Deliver(Protocol):
    """Hands an event, or an error, to a context; returns an inbox that must be waited for."""

    def __call__(
        self, context_id: str, item: Event | CartesiaError, characters: int, /
    ) -> Inbox | None: ...


@attrs.define(eq=False)
class Reader:
    """
    Takes every message, routes it, and never waits for a consumer that did not ask for it.

    Attributes:
        received_at: When the last message came, on Trio's clock.
        is_stalled: True while an inbox that blocks is waited for.
    """

    _protocol: SpeechProtocol
    _deliver: Deliver
    _lose: Callable[[CartesiaError], None]
    _waker: Waker
    _waiting: ByteCounter
    received_at: float = attrs.field(factory=trio.current_time, init=False)
    _now: float = attrs.field(default=0.0, init=False)  # the time of the last read
    _full: Inbox | None = attrs.field(default=None, init=False)
    _is_over: bool = attrs.field(default=False, init=False)
    _crash: Exception | None = attrs.field(default=None, init=False)
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    @property
    def is_stalled(self) -> bool:
        """True while an inbox that blocks is waited for."""
        return self._full is not None

    @enable_ki_protection
    async def read(self, transport: Transport) -> None:
        """Read until the connection has ended."""
        try:
            with self._scope:
                while True:
                    self._take(await transport.receive())
                    if self._full is not None:
                        await self.wait_room()
        except CartesiaError as error:
            self._lose(error)
        if self._crash is not None:
            raise self._crash

    def begin_turn(self, *, is_flood: bool) -> None:
        """Note that frames follow (`fastlane.Sink`)."""
        now = self._now = trio.current_time()
        self._waker.begin_turn(now, self._waiting.held_bytes, is_flood=is_flood)

    def settle(self) -> None:
        """Note that nothing more is there for now (`fastlane.Sink`)."""
        self._waker.settle()

    def take_frame(self, data: bytearray, view: memoryview, start: int, stop: int) -> Verdict:
        """Take a message that lies in a buffer (`fastlane.Sink`)."""
        if self._is_over:
            return _TAKEN
        protocol = self._protocol
        try:
            chunk = read_chunk(data, view, start, stop, protocol.segments)
            if chunk is None:
                self._take(str(view[start:stop], "utf-8"))
            else:
                self.received_at = self._now
                if protocol.receive_chunk(chunk, self._now):
                    self._full = self._deliver(chunk.context_id, chunk, 0)
        except CartesiaError as error:
            self._is_over = True  # though more may have come in the same read
            self._lose(error)
        except UnicodeDecodeError:  # how that ends is for the authority to say
            return Verdict.REFUSED
        except Exception as error:  # noqa: BLE001  # a bug, and no task of ours: raised in `read`
            self._crash = error
            self._scope.cancel("what takes frames has crashed")
            return Verdict.REFUSED
        return _TAKEN if self._full is None else Verdict.STALLED

    async def wait_room(self) -> None:
        """Return once the inbox that blocks has room again."""
        self._waker.settle()
        try:
            while self._full is not None:
                full = self._full
                await full.wait_room()
                self._full = None
        finally:
            self._full = None

    def _take(self, text: str | bytes) -> None:
        self.received_at = trio.current_time()
        for context_id, item in self._protocol.receive(text, self.received_at):
            self._full = self._deliver(context_id, item, len(text)) or self._full
        if (refused := self._protocol.retired) is not None:
            raise ConnectionLost("the service refused the connection") from refused

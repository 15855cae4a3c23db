"""One connection: the tasks that own its transport, and how it ends.

A session knows no contexts. It moves messages between a transport and a `SessionHandler`, which
decides; so whatever else speaks over a WebSocket can be served by the same code.

There are two ways to lose a peer. If the connection ends, that is the session's *loss*: nothing
more can arrive, every waiter is told at that moment, and the tasks stop. If only a write fails,
the peer may have sent its reason before it went, and that may not have been read yet. So a *write
failure* stops sending alone; reading goes on for `LAST_WORDS_SECONDS`, until the stream itself
ends. Whichever comes, the first one is kept, and each caller gets a copy of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._runtime.handler import SessionHandler
from trio_cartesia._runtime.reader import Reader
from trio_cartesia._runtime.transport.interface import Transport
from trio_cartesia._runtime.writer import Writer

__all__ = ["LAST_WORDS_SECONDS", "Session"]

LAST_WORDS_SECONDS: Final = 2.0  # for reading on when the peer takes nothing more

_log: Final = logging.getLogger("trio_cartesia.connection")


@attrs.define(eq=False)
class Session:
    """The state of one connection.

    Attributes:
        transport: Carries its messages.
        handler: What the messages are for.
        loss: Why the connection has ended, if it has.
        write_failure: Why nothing more can be sent, if the peer takes nothing more.
        closing: The scope of the polite close; cancelled when there is nothing left to close.
    """

    transport: Transport
    handler: SessionHandler[Any]
    _scope: trio.CancelScope
    _nursery: trio.Nursery
    loss: ConnectionLost | None = attrs.field(default=None, init=False)
    write_failure: ConnectionLost | None = attrs.field(default=None, init=False)
    closing: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _is_closing: bool = attrs.field(default=False, init=False)
    _reader: Reader = attrs.field(init=False)
    _writer: Writer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._reader = Reader(self.transport, self.handler, self.lose)
        self._writer = Writer(self.transport, self.handler)

    @property
    def request_id(self) -> str | None:
        """The service's name for this connection, if it gave one."""
        return self.transport.request_id

    @property
    def received_at(self) -> float:
        """When the last message arrived, on Trio's clock."""
        return self._reader.received_at

    @property
    def sent_at(self) -> float:
        """When the last message was sent, on Trio's clock."""
        return self._writer.sent_at

    @property
    def writing_since(self) -> float | None:
        """Since when messages have been on their way, if some are."""
        return self._writer.writing_since

    @property
    def is_stalled(self) -> bool:
        """True while the reader waits for an inbox that blocks."""
        return self._reader.is_stalled

    @property
    def can_send(self) -> bool:
        """True until the connection has ended or a write has failed."""
        return self.loss is None and self.write_failure is None

    # -- for handlers and their users

    def wake_writer(self) -> None:
        """Have the writer look for messages that were queued."""
        self._writer.wake()

    def raise_if_lost(self, context_id: str | None = None) -> None:
        """Raise `ConnectionLost` if the connection has ended, or a write has failed."""
        if (loss := self.loss or self.write_failure) is not None:
            raise self.loss_for(loss, context_id) from loss.__cause__

    def loss_for(self, loss: ConnectionLost, context_id: str | None) -> ConnectionLost:
        """Return a copy of *loss* for one context."""
        lost = loss.anew()
        assert isinstance(lost, ConnectionLost)
        lost.request_id = lost.request_id or self.request_id
        lost.context_id = context_id
        return lost

    def start_soon(self, async_fn: Callable[[], Awaitable[None]]) -> None:
        """Run a task until it ends, or the connection does; what it raises is a crash."""
        self._nursery.start_soon(async_fn)

    # -- the tasks

    async def read(self) -> None:
        """Receive until the connection has ended."""
        await self._reader.read()

    @enable_ki_protection
    async def write(self) -> None:
        """Send queued messages; if a write fails, stop sending but keep reading."""
        try:
            await self._writer.write()
        except ConnectionLost as error:
            self.write_failure = error
            self._scope.deadline = trio.current_time() + LAST_WORDS_SECONDS
            self.handler.note_write_failure()
            self._writer.give_up()

    @enable_ki_protection
    def lose(self, error: CartesiaError) -> None:
        """End the connection for everybody; the first loss is kept."""
        if self.loss is not None:
            return
        if self._is_closing:
            error = ConnectionLost("the connection's block has ended")
        if not isinstance(error, ConnectionLost):
            lost = ConnectionLost(f"the connection was given up: {error.message}")
            lost.__cause__ = error
            error = lost
        error.request_id = error.request_id or self.request_id
        self.loss = error
        _log.debug("connection lost: %s", error)
        self.handler.lose(error)
        self._writer.give_up()
        if not self._is_closing:  # else the closing handshake is under way
            self._scope.cancel("the connection was lost")

    async def close_politely(self) -> None:
        """Let the writer finish, then perform the closing handshake."""
        while self._writer.is_busy and self.can_send:
            await self._writer.wait_written()
        if self.loss is None:
            self._is_closing = True
            await self.transport.aclose()

    @enable_ki_protection
    def end(self) -> None:
        """Stop the tasks; what is still open is lost."""
        self.lose(ConnectionLost("the connection's block has ended"))
        self._scope.cancel("the connection's block has ended")

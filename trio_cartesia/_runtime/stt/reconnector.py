"""Opens the connections of a session, one after the other."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost, InternalError
from trio_cartesia._protocol.base.backoff import STABLE_SECONDS, Breaker, may_retry
from trio_cartesia._runtime.open_session import OpenTransport, open_session
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.stt.reconnecting import ReconnectingHandler
from trio_cartesia._runtime.transport.interface import Transport

__all__ = ["IDLE_CLOSE_SECONDS", "Connect", "Reconnector"]

IDLE_CLOSE_SECONDS: Final = (
    20.0  # without a message from us: the shortest idle limit of protocol §1.8
)
NORMAL_CLOSURE: Final = 1000

Connect = Callable[[], Awaitable[OpenTransport]]

_log: Final = logging.getLogger("trio_cartesia.connection")


@attrs.define(eq=False)
class Reconnector:
    """Keeps a session connected.

    Attributes:
        attempts: The connections in a row that may fail until the session is given up.
    """

    handler: ReconnectingHandler[Any]
    attempts: int
    _connect: Connect
    _piece_bytes: int
    _breaker: Breaker = attrs.field(factory=Breaker, init=False)

    @enable_ki_protection
    async def run(self, *, task_status: trio.TaskStatus[CartesiaError | None]) -> None:
        """Serve connections until the session has ended; *started* with the first, or its error."""
        handler = self.handler
        try:
            while handler.loss is None:
                is_open = False
                try:
                    async with open_session(self._open_transport, handler) as session:
                        is_open = True
                        handler.attach(session)
                        if handler.connections == 1:
                            task_status.started(None)
                        await self._serve(session)
                except Exception as error:  # of the user's functions, too
                    if is_open or isinstance(error, InternalError):
                        raise
                    if handler.connections:
                        self._fail(error)
                    elif isinstance(error, CartesiaError):
                        task_status.started(error)  # as by `open_session`
                        return
                    else:
                        raise
                await trio.sleep_until(self._breaker.retry_at)
        finally:
            if handler.connections:
                handler.give_up(ConnectionLost("the connection's block has ended"))

    @asynccontextmanager
    async def _open_transport(self) -> AsyncIterator[Transport]:
        open_transport = await self._connect()
        async with open_transport() as transport:
            self.handler.begin()
            yield transport

    async def _serve(self, session: Session) -> None:
        """Send what the connection needs, and return when it has ended and another may be made."""
        handler, opened_at = self.handler, trio.current_time()
        covered = handler.log.covered
        if session.loss is None and not handler.protocol.has_positions:
            session.start_soon(partial(handler.cover_silence, session))
        if handler.connections > 1:
            await handler.replay(session, self._piece_bytes)
            await handler.end_cut_turn(session)
        await handler.lost.wait()
        if handler.loss is not None:
            return
        assert session.loss is not None
        now = trio.current_time()
        is_idle = now - session.sent_at >= IDLE_CLOSE_SECONDS
        if is_idle and session.loss.close_code == NORMAL_CLOSURE:
            await self._wait_needed()
        elif now - opened_at >= STABLE_SECONDS or handler.log.covered > covered:
            self._breaker.succeed()
        else:
            self._fail(session.loss)

    async def _wait_needed(self) -> None:
        """Wait until there is something to send: the service has closed an idle connection."""
        handler = self.handler
        while handler.loss is None and not (handler.protocol.is_needed or handler.is_awaited):
            await handler.changed.park()

    def _fail(self, error: Exception) -> None:
        """Note that no connection was made, or that one has soon ended; give up after too many."""
        jitter = random.random()  # noqa: S311  # not for secrets
        self._breaker.fail(trio.current_time(), jitter)
        failures = self._breaker.failures
        _log.debug("no connection for a session: %s", type(error).__name__)
        if failures < self.attempts and may_retry(error):
            return
        if isinstance(error, ConnectionLost):
            loss = error
        else:
            loss = ConnectionLost(f"the connection was lost, and {failures} in a row have failed")
            loss.__cause__ = error
        self.handler.give_up(loss)

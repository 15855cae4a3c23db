"""Open a connection, start its tasks and close it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost, InternalError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._runtime.handler import SessionHandler
from trio_cartesia._runtime.keepalive import keep_alive
from trio_cartesia._runtime.session import Session
from trio_cartesia._runtime.transport.interface import Transport

__all__ = ["GOODBYE_SECONDS", "OpenTransport", "open_session"]

GOODBYE_SECONDS: Final = 2.0  # for the last requests and the closing handshake

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]


@asynccontextmanager
async def open_session(
    open_transport: OpenTransport, handler: SessionHandler[Any]
) -> AsyncIterator[Session]:
    """Open a transport and serve it while the block runs; then close politely, within a bound.

    Raises:
        CartesiaError: What opening the transport raises, bare.
        InternalError: A task of ours crashed.
    """
    async with open_service_nursery() as nursery:
        session: Session | CartesiaError = await nursery.start(_serve, open_transport, handler)
        if isinstance(session, CartesiaError):
            raise session
        try:
            yield session
        finally:
            try:
                with trio.move_on_after(GOODBYE_SECONDS, shield=True) as session.closing:
                    await session.close_politely()
            finally:  # also after Ctrl-C: the service task is shielded, and ends only by this
                session.end()


@enable_ki_protection
async def _serve(
    open_transport: OpenTransport,
    handler: SessionHandler[Any],
    *,
    task_status: trio.TaskStatus[Session | CartesiaError],
) -> None:
    session: Session | None = None
    with trio.CancelScope() as scope:
        try:
            async with open_transport() as transport, open_service_nursery() as nursery:
                session = Session(transport, handler, scope, nursery)
                nursery.start_soon(session.read)
                nursery.start_soon(session.write)
                nursery.start_soon(keep_alive, session, nursery)
                # started() leaves a task that is already cancelled where it was, and once
                # shielded it would never end there
                await trio.lowlevel.checkpoint_if_cancelled()
                scope.shield = True
                task_status.started(session)
                await trio.sleep_forever()
        except CartesiaError as error:
            if session is None:  # handed over, since a start() of Trio before 0.34 drops causes
                task_status.started(error)
                return
            session.lose(error)
            if isinstance(error, InternalError):
                raise
        finally:
            if session is not None:
                session.closing.cancel("there is no connection left to close")
                session.lose(ConnectionLost("the connection has ended"))

"""
From nothing to a served connection, and back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost, InternalError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.tts.protocol import SpeechProtocol
from trio_cartesia._runtime.keepalive import keep_alive
from trio_cartesia._runtime.session import Service
from trio_cartesia._runtime.transport.websocket import Transport

__all__ = ["GOODBYE_SECONDS", "OpenTransport", "open_service"]

GOODBYE_SECONDS: Final = 2.0  # for the last requests and the closing handshake

OpenTransport = Callable[[], AbstractAsyncContextManager[Transport]]


@asynccontextmanager
async def open_service(
    open_transport: OpenTransport, protocol: SpeechProtocol
) -> AsyncIterator[Service]:
    """
    Open a transport and serve it while the block runs; then say goodbye, within a bound.

    Raises:
        CartesiaError: What opening the transport raises, bare.
        InternalError: A task of ours crashed.
    """
    async with open_service_nursery() as nursery:
        service: Service | CartesiaError = await nursery.start(_serve, open_transport, protocol)
        if isinstance(service, CartesiaError):
            raise service
        try:
            yield service
        finally:
            try:
                with trio.move_on_after(GOODBYE_SECONDS, shield=True) as service.goodbye:
                    await service.close_politely()
            finally:  # also after Ctrl-C: the service task is shielded, and ends only by this
                service.end()


@enable_ki_protection
async def _serve(
    open_transport: OpenTransport,
    protocol: SpeechProtocol,
    *,
    task_status: trio.TaskStatus[Service | CartesiaError],
) -> None:
    service: Service | None = None
    with trio.CancelScope() as scope:
        try:
            async with open_transport() as transport, open_service_nursery() as nursery:
                service = Service(protocol, transport, scope)
                nursery.start_soon(service.read)
                nursery.start_soon(service.write)
                nursery.start_soon(keep_alive, service, nursery)
                # started() leaves a task that is already cancelled where it was, and once
                # shielded it would never end there
                await trio.lowlevel.checkpoint_if_cancelled()
                scope.shield = True
                task_status.started(service)
                await trio.sleep_forever()
        except CartesiaError as error:
            if service is None:  # handed over, since a start() of Trio before 0.34 drops causes
                task_status.started(error)
                return
            service.lose(error)
            if isinstance(error, InternalError):
                raise
        finally:
            if service is not None:
                service.goodbye.cancel("there is no connection left to say goodbye to")
                service.lose(ConnectionLost("the connection has ended"))

"""Accept the WebSocket that a request asks for, with its faults and its record in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.exchange.socket import Socket
from trio_cartesia.server.faults.messages import MakeErrorEvent, MessageFaults
from trio_cartesia.server.messages.errors import error_event

__all__ = ["open_socket"]


@asynccontextmanager
async def open_socket(
    exchange: Exchange, *, idle_seconds: float, make_error: MakeErrorEvent = error_event
) -> AsyncIterator[Socket]:
    """Accept the WebSocket of a request that `check_handshake` has checked.

    Its record in the journal is open until the block ends.

    Args:
        exchange: The request.
        idle_seconds: The time without messages after which the connection is closed.
        make_error: Makes the ``error`` event of a fault.
    """
    behaviour, journal = exchange.behaviour, exchange.state.journal
    faults = MessageFaults.of(
        exchange.faults,
        stream=exchange.connection.stream,
        version=exchange.version,
        request_id=exchange.request_id,
        make_error=make_error,
    )
    with exchange.send_deadline():
        websocket = await exchange.connection.accept_websocket(
            exchange.request,
            max_message_bytes=behaviour.max_message_bytes,
            headers=[("x-request-id", exchange.request_id)],
            deflate=behaviour.deflate,
            faults=faults,
        )
    number = journal.add_connection(
        path=exchange.path, version=exchange.version, request_id=exchange.request_id, status=101
    )
    exchange.log(101)
    try:
        yield Socket(
            number=number,
            request_id=exchange.request_id,
            version=exchange.version,
            behaviour=behaviour,
            idle_seconds=idle_seconds,
            websocket=websocket,
        )
    finally:
        journal.end_connection(number)

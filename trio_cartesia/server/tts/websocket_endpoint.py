"""The endpoint `/tts/websocket`: its handshake, and the session on it."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.faults.messages import MessageFaults
from trio_cartesia.server.net.requests import check_handshake
from trio_cartesia.server.tts.session import TTSSession

WEBSOCKET: Final = "/tts/websocket"


async def tts_websocket(exchange: Exchange) -> None:
    """Accept a WebSocket and serve it until it ends.

    Raises:
        APIError: The plan allows no more WebSockets.
        HTTPError: The request is not a valid handshake.
    """
    check_handshake(exchange.request)
    service, behaviour = exchange.state, exchange.behaviour
    with exchange.account.socket_slot():
        faults = MessageFaults.of(
            exchange.faults,
            stream=exchange.connection.stream,
            version=exchange.version,
            request_id=exchange.request_id,
        )
        with exchange.send_deadline():
            websocket = await exchange.connection.accept_websocket(
                exchange.request,
                max_message_bytes=behaviour.max_message_bytes,
                headers=[("x-request-id", exchange.request_id)],
                deflate=behaviour.deflate,
                faults=faults,
            )
        number = service.journal.add_connection(
            path=WEBSOCKET, version=exchange.version, request_id=exchange.request_id, status=101
        )
        exchange.log(101)
        session = TTSSession(
            number=number,
            dialect=exchange.dialect,
            request_id=exchange.request_id,
            websocket=websocket,
            voice=service.voice,
            journal=service.journal,
            account=exchange.account,
            charge=exchange.charge,
        )
        try:
            await session.serve()
        finally:
            service.journal.end_connection(number)

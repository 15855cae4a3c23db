"""The endpoint `/tts/websocket`: its handshake, and the session on it."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.exchange.handshake import open_socket
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
    service = exchange.state
    with exchange.account.socket_slot():
        async with open_socket(exchange, idle_seconds=exchange.behaviour.idle_seconds) as socket:
            session = TTSSession(
                socket=socket,
                dialect=exchange.dialect,
                voice=service.voice,
                journal=service.journal,
                account=exchange.account,
                meter=exchange.meter,
            )
            await session.serve()

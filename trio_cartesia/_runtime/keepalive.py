"""
Whether the peer is still there, asked after each long silence.
"""

from __future__ import annotations

from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, ConnectionLost
from trio_cartesia._runtime.service import Service

__all__ = ["KEEPALIVE_SECONDS", "PONG_SECONDS", "keep_alive"]

KEEPALIVE_SECONDS: Final = 20.0  # of silence, until a ping asks
PONG_SECONDS: Final = 20.0  # for the answer to it


@enable_ki_protection
async def keep_alive(service: Service) -> None:
    """
    Ping the peer after each silence; an answer that does not come ends the connection.

    Pings are not known to keep the service from closing an idle connection (protocol §1.8): they
    find out about peers that are gone, and keep middle boxes awake.
    """
    alive_at = service.heard_at
    try:
        while True:
            await trio.sleep_until(alive_at + KEEPALIVE_SECONDS)
            alive_at = max(alive_at, service.heard_at)
            if trio.current_time() >= alive_at + KEEPALIVE_SECONDS:
                await _ask(service)
                alive_at = trio.current_time()
    except CartesiaError as error:
        service.lose(error)


async def _ask(service: Service) -> None:
    asked_at = trio.current_time()
    with trio.move_on_after(PONG_SECONDS):
        await service.transport.ping()
        return
    # a pong cannot overtake events, and a stalled reader takes none: neither means absence
    if service.heard_at < asked_at and not service.is_stalled:
        raise ConnectionLost(f"no answer to a ping within {PONG_SECONDS:g} seconds")

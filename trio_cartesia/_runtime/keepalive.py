"""Ping a silent peer, and end the connection if it does not answer."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import ConnectionLost
from trio_cartesia._runtime.session import Session

__all__ = ["KEEPALIVE_SECONDS", "PONG_SECONDS", "keep_alive"]

KEEPALIVE_SECONDS: Final = 20.0  # of silence, until a ping asks
PONG_SECONDS: Final = 20.0  # for the answer to it


@enable_ki_protection
async def keep_alive(session: Session, nursery: trio.Nursery) -> None:
    """Ping the peer after each silence; end the connection if neither a pong nor a message arrives.

    Pings detect peers that are gone, and keep the connection open in proxies and firewalls. They
    are not known to prevent the service from closing an idle connection (protocol §1.8). A ping is
    never cancelled, because a part of it might be on the wire.
    """
    alive_at = trio.current_time()
    while session.loss is None:
        await trio.sleep_until(alive_at + KEEPALIVE_SECONDS)
        alive_at = max(alive_at, session.received_at)
        if trio.current_time() < alive_at + KEEPALIVE_SECONDS:
            continue
        if session.is_stalled:  # by choice: a pong would wait behind what nobody takes
            is_alive = not _is_stuck(session)
        else:
            answered = trio.Event()
            nursery.start_soon(_ping, session, answered)
            is_alive = await _shows_life(session, answered)
        if not is_alive:
            why = f"no answer to a ping within {PONG_SECONDS:g} seconds"
            session.lose(ConnectionLost(why))
        alive_at = trio.current_time()


@enable_ki_protection
async def _ping(session: Session, answered: trio.Event) -> None:
    with suppress(ConnectionLost):  # the reader finds out by itself, after what had come
        await session.transport.ping()
        answered.set()


async def _shows_life(session: Session, answered: trio.Event) -> bool:
    """Wait for an answer, as long as there are other signs of life."""
    while not answered.is_set():
        asked_at = trio.current_time()
        with trio.move_on_after(PONG_SECONDS):
            await answered.wait()
        if not answered.is_set() and session.received_at < asked_at and not session.is_stalled:
            return False
        if session.is_stalled and _is_stuck(session):
            return False
    return True


def _is_stuck(session: Session) -> bool:
    """Return whether a message has been on its way for too long, so that the peer does not read."""
    since = session.writing_since
    return since is not None and trio.current_time() - since >= PONG_SECONDS

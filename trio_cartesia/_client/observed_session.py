"""Sessions of speech to text that are watched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from trio_cartesia._client.endpoint import Endpoint
from trio_cartesia._runtime.managers import Manager
from trio_cartesia._runtime.stt.observer import ObserveSession
from trio_cartesia._runtime.stt.session import TranscriptionSession

__all__ = ["observed"]

S = TypeVar("S", bound=TranscriptionSession[Any])


def observed(opened: Manager[S], endpoint: Endpoint, path: str, model: str) -> Manager[S]:
    """Return *opened*, watched if the sessions of *endpoint* are to be."""
    observe = endpoint.observe_session
    return opened if observe is None else _observed(opened, endpoint, path, model, observe)


@asynccontextmanager
async def _observed(
    opened: Manager[S], endpoint: Endpoint, path: str, model: str, observe: ObserveSession
) -> AsyncIterator[S]:
    with observe(endpoint.base.websocket(path), path, model) as observer:
        async with opened as session:
            if observer is not None:
                session._handler.observer = observer
                observer.note_open(session.request_id)
            yield session

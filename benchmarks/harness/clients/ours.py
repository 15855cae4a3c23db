"""This package, by its public names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.clients.listening import LISTENING
from harness.clients.tasks import KEY, SETTINGS, Connect, Take, TrioClient, authority
from harness.messages import TOKEN
from trio_cartesia import Cartesia, Connection, Context

if TYPE_CHECKING:  # not loaded, since the memory of a client is measured
    from trio_cartesia import ManualFinalizeSession


async def _receive(context: Context, take: Take) -> None:
    async for event in context.receive():
        if event.type == "chunk":
            take(event.audio, event.step_time)


class TrioCartesia(TrioClient):
    """This package."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Connect]:
        """Open a client; yield its ``websocket_connect``."""
        async with Cartesia(KEY, websocket_base_url=url, ssl_context=authority()) as client:
            yield client.tts.websocket_connect

    async def receive(self, connection: Connection, name: str, take: Take) -> None:
        """Push, end, and receive in a task of the context."""
        async with connection.context(context_id=name, **SETTINGS) as context:
            await context.push("x")
            await context.no_more_inputs()
            await _receive(context, take)

    async def push(self, connection: Connection, name: str, pieces: int) -> None:
        """Push tokens, and end."""
        async with connection.context(context_id=name, **SETTINGS) as context:
            for _ in range(pieces):
                await context.push(TOKEN)
            await context.no_more_inputs()

    async def speak(self, connection: Connection, name: str, text: str, take: Take) -> None:
        """Give the whole text to ``speak``."""
        async with connection.speak(text, context_id=name, **SETTINGS) as context:
            await _receive(context, take)

    @asynccontextmanager
    async def open_listening(self, url: str) -> AsyncIterator[Connect]:
        """Open a client; yield its ``websocket``."""
        async with Cartesia(KEY, websocket_base_url=url, ssl_context=authority()) as client:
            yield partial(client.stt.manual_finalize.websocket, **LISTENING)

    def audio_sender(self, session: ManualFinalizeSession) -> Callable[[bytes], Awaitable[None]]:
        """Return ``send_audio``."""
        return session.send_audio

    def transcripts(self, session: ManualFinalizeSession) -> AsyncIterator[Any]:
        """Return ``receive()``."""
        return session.receive()

    def statistics(self, connection: Connection) -> dict[str, float]:
        """Return how much waited in inboxes at most."""
        return {"inbox_peak_bytes": connection.statistics().inbox_peak_bytes}

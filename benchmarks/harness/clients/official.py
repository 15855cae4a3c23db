"""The official Python clients, by their public names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

from cartesia import AsyncCartesia, Cartesia

from harness.clients.listening import LISTENING
from harness.clients.tasks import (
    KEY,
    SETTINGS,
    AsyncioClient,
    BlockingClient,
    Connect,
    Take,
    authority,
)
from harness.messages import TOKEN


def _options() -> Any:
    return {"ssl": authority()} if authority() else {}


async def _receive(context: Any, take: Take) -> None:
    async for event in context.receive():
        if event.type == "chunk":
            take(event.audio, event.step_time)


class OfficialAsync(AsyncioClient):
    """The asynchronous client."""

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Connect]:
        """Open a client; yield its ``websocket_connect``."""
        client = AsyncCartesia(api_key=KEY, websocket_base_url=url)
        yield partial(client.tts.websocket_connect, websocket_connection_options=_options())

    async def receive(self, connection: Any, name: str, take: Take) -> None:
        """Push, end, and receive in a task of the context."""
        context = connection.context(name, **SETTINGS)
        await context.push("x")
        await context.no_more_inputs()
        await _receive(context, take)

    async def push(self, connection: Any, name: str, pieces: int) -> None:
        """Push tokens, and end."""
        context = connection.context(name, **SETTINGS)
        for _ in range(pieces):
            await context.push(TOKEN)
        await context.no_more_inputs()

    async def speak(self, connection: Any, name: str, text: str, take: Take) -> None:
        """Send the text with ``continue`` false."""
        context = connection.context(name, **SETTINGS)
        await context.push(text, continue_=False)
        await _receive(context, take)

    @asynccontextmanager
    async def open_listening(self, url: str) -> AsyncIterator[Connect]:
        """Open a client; yield its ``websocket``."""
        client = AsyncCartesia(api_key=KEY, websocket_base_url=url)
        connect: Any = client.stt.manual_finalize.websocket
        yield partial(connect, **LISTENING, websocket_connection_options=_options())

    def audio_sender(self, session: Any) -> Callable[[bytes], Awaitable[None]]:
        """Return ``send_raw``, which sends audio."""
        send: Callable[[bytes], Awaitable[None]] = session.send_raw
        return send

    def transcripts(self, session: Any) -> AsyncIterator[Any]:
        """Return the session, which is iterated."""
        return aiter(session)


class OfficialSync(BlockingClient):
    """The synchronous client."""

    def connect(self, url: str, stack: ExitStack) -> Any:
        """Open a client and a connection."""
        client = Cartesia(api_key=KEY, websocket_base_url=url)
        connect = client.tts.websocket_connect(websocket_connection_options=_options())
        return stack.enter_context(connect)

    def context(self, connection: Any, name: str, stack: ExitStack) -> Any:  # noqa: ARG002  # the signature is given
        """Open a context."""
        return connection.context(name, **SETTINGS)

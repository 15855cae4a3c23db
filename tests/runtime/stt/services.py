"""A session with manual finalize, and what answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import trio

from trio_cartesia import ManualFinalizeSession
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia.testing import Peer, client_with_peers

SETTINGS: dict[str, Any] = {"model": "ink-2", "encoding": "pcm_s16le", "sample_rate": 16000}


@asynccontextmanager
async def manual_session(
    *, pipe_bytes: int = 2**20, confirms: bool = True, **changes: Any
) -> AsyncIterator[tuple[ManualFinalizeSession, Peer]]:
    """A session and its peer, connected in memory; *confirms*: the peer confirms the end."""
    async with (
        client_with_peers(pipe_bytes=pipe_bytes) as (client, peers),
        open_service_nursery() as nursery,
    ):
        opening = client.stt.manual_finalize.websocket(**{**SETTINGS, **changes})
        async with opening as session:
            peer = await peers.receive()
            yield session, peer
            if confirms:
                nursery.start_soon(confirm, peer)


async def confirm(peer: Peer) -> None:
    """Receive what is left, and confirm that all of it was transcribed."""
    with suppress(trio.EndOfChannel, trio.BrokenResourceError):
        while await peer.receive_message() != "close":
            pass
        await peer.send(type="done")


async def messages_until_quiet(peer: Peer) -> list[str | bytes]:
    """Return every message that has been sent, once no more come for a while."""
    messages = []
    while True:
        with trio.move_on_after(1) as patience:
            messages.append(await peer.receive_message())
        if patience.cancelled_caught:
            return messages


@attrs.define
class Service:
    """Answers a session: its text says how much audio came since the last final piece.

    Attributes:
        flush_done_first: Send ``flush_done`` before the final piece (protocol §7.2 S1).
        coalesces: Do not answer a command if no audio came since the one before (S3).
        delay_seconds: How long transcribing takes.
    """

    peer: Peer
    flush_done_first: bool = False
    coalesces: bool = False
    delay_seconds: float = 0.0
    audio: list[bytes] = attrs.field(factory=list)
    commands: list[str] = attrs.field(factory=list)
    _new: int = 0
    _is_flushed: bool = False

    async def serve(self) -> None:
        """Answer until the connection ends."""
        with suppress(trio.EndOfChannel, trio.BrokenResourceError):
            while True:
                message = await self.peer.receive_message()
                if isinstance(message, bytes):
                    self.audio.append(message)
                    self._new += len(message)
                    self._is_flushed = False
                else:
                    self.commands.append(message)
                    await trio.sleep(self.delay_seconds)
                    await self._answer(message)

    async def _answer(self, command: str) -> None:
        if command == "close":
            await self._send_piece()
            await self.peer.send(type="done")
            await self.peer.close()
            return
        if self.coalesces and self._is_flushed:
            return
        self._is_flushed = True
        if self.flush_done_first:
            await self.peer.send(type="flush_done")
            await trio.sleep(self.delay_seconds)
            await self._send_piece()
        else:
            await self._send_piece()
            await self.peer.send(type="flush_done")

    async def _send_piece(self) -> None:
        if self._new:
            text, self._new = f" {self._new} ", 0
            await self.peer.send(type="transcript", is_final=False, text=text[:2])
            await self.peer.send(type="transcript", is_final=True, text=text)


@asynccontextmanager
async def served_session(
    **readings: Any,
) -> AsyncIterator[tuple[ManualFinalizeSession, Service]]:
    """A session and a service that answers it."""
    async with client_with_peers() as (client, peers), trio.open_nursery() as nursery:
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            service = Service(await peers.receive(), **readings)
            nursery.start_soon(service.serve)  # noqa: ASYNC113  # it waits for what is sent
            yield session, service
        nursery.cancel_scope.cancel()

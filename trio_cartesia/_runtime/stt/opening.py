"""Open a session on connections of its own, and end it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create
from trio_cartesia._errors import CartesiaError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.audio_log import AudioLog
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._protocol.stt.settings import Reconnect
from trio_cartesia._runtime.open_session import open_session
from trio_cartesia._runtime.stt.audio_sender import AudioSender
from trio_cartesia._runtime.stt.handler import TranscriptHandler
from trio_cartesia._runtime.stt.reconnecting import ReconnectingHandler
from trio_cartesia._runtime.stt.reconnector import Connect, Reconnector
from trio_cartesia._runtime.stt.session import TranscriptionSession

__all__ = ["open_reconnecting", "open_transcription"]

S = TypeVar("S", bound=TranscriptionSession[Any])


@asynccontextmanager
@enable_ki_protection  # an interrupt between two lines would leave its tasks running
async def open_transcription(
    kind: type[S],
    protocol: TranscriptProtocol,
    connect: Connect,
    input_format: InputFormat,
    inbox_bytes: int,
) -> AsyncIterator[S]:
    """Open a session of a *kind* for the block; left without an exception, it gets the last text.

    Raises:
        CartesiaError: As `open_session`.
    """
    handler = TranscriptHandler(protocol, inbox_bytes)
    async with open_session(await connect(), handler) as connection:
        handler.attach(connection)
        async with _served(kind, handler, input_format) as session:
            yield session


@asynccontextmanager
@enable_ki_protection
async def open_reconnecting(
    kind: type[S],
    protocol: TranscriptProtocol,
    connect: Connect,
    input_format: InputFormat,
    inbox_bytes: int,
    reconnect: Reconnect,
) -> AsyncIterator[S]:
    """Open a session as `open_transcription`, which goes on when its connection is lost."""
    limit_bytes = round(reconnect.replay_seconds * input_format.sample_rate)
    protocol.log = AudioLog(limit_bytes * input_format.bytes_per_sample, input_format)
    handler = ReconnectingHandler(protocol, inbox_bytes)
    reconnector = Reconnector(handler, reconnect.attempts, connect, input_format.piece_bytes)
    async with open_service_nursery() as nursery:
        error: CartesiaError | None = await nursery.start(reconnector.run)
        if error is not None:
            raise error
        async with _served(kind, handler, input_format) as session:
            yield session


@asynccontextmanager
async def _served(
    kind: type[S], handler: TranscriptHandler[Any], input_format: InputFormat
) -> AsyncIterator[S]:
    """Yield the session for the block; left without an exception, it gets the last text."""
    session = create(kind, handler, AudioSender(input_format, handler))
    try:
        yield session
        await session._drain()
    finally:
        handler.was_left = True
        if handler.observer is not None:
            handler.observer.note_left(session._statistics(0), handler.loss)

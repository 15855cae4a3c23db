"""Open a session on a connection of its own, and end it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from trio.lowlevel import enable_ki_protection

from trio_cartesia._constructors import create
from trio_cartesia._protocol.stt.audio import InputFormat
from trio_cartesia._protocol.stt.protocol import TranscriptProtocol
from trio_cartesia._runtime.open_session import OpenTransport, open_session
from trio_cartesia._runtime.stt.audio_sender import AudioSender
from trio_cartesia._runtime.stt.handler import TranscriptHandler
from trio_cartesia._runtime.stt.session import TranscriptionSession

__all__ = ["open_transcription"]

S = TypeVar("S", bound=TranscriptionSession[Any])


@asynccontextmanager
@enable_ki_protection  # an interrupt between two lines would leave its tasks running
async def open_transcription(
    kind: type[S],
    protocol: TranscriptProtocol,
    open_transport: OpenTransport,
    input_format: InputFormat,
    inbox_bytes: int,
) -> AsyncIterator[S]:
    """Open a session of a *kind* for the block; left without an exception, it gets the last text.

    Raises:
        CartesiaError: As `open_session`.
    """
    handler = TranscriptHandler(protocol, inbox_bytes)
    async with open_session(open_transport, handler) as connection:
        handler.attach(connection)
        session = create(kind, handler, AudioSender(input_format, handler))
        try:
            yield session
            await session._drain()
        finally:
            handler.was_left = True

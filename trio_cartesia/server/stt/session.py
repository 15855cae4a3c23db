"""What both WebSockets of speech to text have: their messages, their errors and their end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

import attrs
import trio

from trio_cartesia.server.exchange.socket import AFTER_ERROR, Socket, close_code_after
from trio_cartesia.server.journal.access_log import log_error
from trio_cartesia.server.messages.errors import APIError, ErrorBody, transcription_error_event
from trio_cartesia.server.recognition.input import InputConverter
from trio_cartesia.server.stt.transcription import Steps, Transcription

__all__ = ["StreamSession", "refuse"]

CLOSED: Final = "closed by the client"


@attrs.define(eq=False, kw_only=True)
class StreamSession(ABC):
    """Serves one WebSocket; its subclasses are the two modes.

    Audio is judged in steps of the same length, however it is divided into messages.
    """

    _socket: Socket
    _transcription: Transcription
    _converter: InputConverter
    _steps: Steps = attrs.field(factory=Steps, init=False)

    async def begin(self) -> None:
        """Send what comes before everything else: by default nothing."""
        await trio.lowlevel.checkpoint()

    @abstractmethod
    async def add_step(self, samples: bytes) -> None:
        """Handle one step of audio, or a shorter one where a command follows it."""

    async def end_message(self) -> None:
        """Send what follows a message of audio: by default nothing."""
        await trio.lowlevel.checkpoint()

    @abstractmethod
    async def receive_command(self, text: str) -> None:
        """Handle a text message.

        Raises:
            APIError: It is not a command.
        """

    async def serve(self) -> None:
        """Serve until the client has closed, has left or was idle for too long.

        If cancelled, the close has 0.1 seconds. The stream stays open.
        """
        await self._socket.serve(
            self._receive, begin=self._begin, on_end=lambda: self._transcription.end("lost")
        )

    async def _begin(self) -> None:
        try:
            await self.begin()
        except APIError as error:  # a fault
            await self.report(error)

    async def _receive(self, message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await self.receive_command(message)
            else:
                await self._receive_audio(message)
        except APIError as error:
            await self.report(error)

    async def _receive_audio(self, audio: bytes) -> None:
        self._transcription.record.audio_bytes += len(audio)
        for samples in self._converter.convert(audio):
            for step in self._steps.take(samples):
                await self.add_step(step)
            await trio.lowlevel.checkpoint()
        await self.end_message()

    async def flush(self) -> None:
        """Handle the audio that is not a whole step."""
        for step in self._steps.take(self._converter.flush()):
            await self.add_step(step)
        rest = self._steps.flush()
        if rest:
            await self.add_step(rest)

    async def send(self, kind: str, **fields: Any) -> None:
        """Send an event of that type."""
        await self._socket.emit({"type": kind, "request_id": self._socket.request_id, **fields})

    async def report(self, error: APIError) -> None:
        """Send an error; all but a bad request end the session."""
        await _send_error(self._socket, error.body)
        if error.body.status != 400:
            self._transcription.end("error")
            self._socket.close(close_code_after(error.body.status), AFTER_ERROR)

    def close(self) -> None:
        """End the session as the client has asked for (protocol §7.2 S4)."""
        self._transcription.end("done")
        self._socket.close(self._socket.behaviour.stt_close, CLOSED)


async def refuse(socket: Socket, error: ErrorBody) -> None:
    """Send an error in place of the first event, and close (protocol §6a E2)."""

    async def begin() -> None:
        await _send_error(socket, error)
        socket.close(close_code_after(error.status), AFTER_ERROR)

    async def ignore(_: str | bytes) -> None:
        await trio.lowlevel.checkpoint()

    await socket.serve(ignore, begin=begin, on_end=lambda: None)


async def _send_error(socket: Socket, error: ErrorBody) -> None:
    log_error(socket.request_id, None, error.status, error.title)
    await socket.emit(
        transcription_error_event(error, version=socket.version, request_id=socket.request_id)
    )

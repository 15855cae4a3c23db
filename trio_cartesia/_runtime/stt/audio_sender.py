"""Audio on its way to the service: one source at a time, in whole samples."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from trio_cartesia._errors import CartesiaError, LocalProtocolError
from trio_cartesia._nursery import open_service_nursery
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.audio import WholeFrames
from trio_cartesia._protocol.stt.audio import AudioPieces, InputFormat
from trio_cartesia._protocol.stt.outbox import Status
from trio_cartesia._runtime.playout.settings import PACES, Pace
from trio_cartesia._runtime.stt.handler import TranscriptHandler
from trio_cartesia._runtime.stt.scheduling import is_turn_of_others

__all__ = ["AUDIO_QUEUE_BYTES", "CATCH_UP_SECONDS", "Audio", "AudioSender"]

AUDIO_QUEUE_BYTES: Final = 2**20  # of one call of send_audio
CATCH_UP_SECONDS: Final = 1.0  # that paced audio may be behind and still be sent at once

Audio = bytes | bytearray | memoryview


@attrs.define
class _RealTime:
    """Deadlines at the pace of the audio, on Trio's clock; they do not drift."""

    _due_at: float = attrs.field(factory=trio.current_time)

    async def wait(self, seconds: float) -> None:
        """Wait until audio may be sent that lasts so many *seconds*."""
        await trio.sleep_until(self._due_at)
        self._due_at = max(self._due_at, trio.current_time() - CATCH_UP_SECONDS) + seconds


@attrs.define(eq=False)
class AudioSender:
    """Sends the audio of one session.

    Attributes:
        input_format: The layout of the audio.
        muted_bytes: Audio of `feed` that was dropped while the session was muted.
    """

    input_format: InputFormat
    _handler: TranscriptHandler[Any]
    muted_bytes: int = attrs.field(default=0, init=False)
    _samples: WholeFrames = attrs.field(init=False)
    _is_muted: bool = attrs.field(default=False, init=False)
    _is_sending: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._samples = WholeFrames(self.input_format.bytes_per_sample)

    @property
    def partial_sample_bytes(self) -> int:
        """The size of an incomplete sample, which is kept for the next audio."""
        return len(self._samples._rest)

    async def send(self, audio: Audio) -> None:
        """Send audio, and return once it is on the wire."""
        data = audio if type(audio) is bytes else _checked(audio)
        if len(data) > AUDIO_QUEUE_BYTES:
            raise LocalProtocolError(
                f"audio of {len(data)} bytes is too large for one message of at most "
                f"{AUDIO_QUEUE_BYTES}: use feed()"
            )
        self._begin()
        try:
            if self._is_muted:
                raise LocalProtocolError("the session is muted: send audio after the mute() block")
            await self._send(data, is_patient=False)
        finally:
            self._is_sending = False

    async def feed(
        self, chunks: Audio | Iterable[Audio] | AsyncIterable[Audio], pace: Pace
    ) -> None:
        """Send all audio of *chunks*, in pieces."""
        checks.choice(pace, "pace", PACES)
        clock = _RealTime() if pace == "real_time" else None
        pieces = AudioPieces(self.input_format.piece_bytes)
        protocol = self._handler.protocol
        if clock is None and protocol.log is not None and not protocol.has_positions:
            raise LocalProtocolError(
                "a session with turns that reconnects takes audio at its pace alone, because the "
                'service does not tell where in the audio a turn ends: use pace="real_time"'
            )
        if not isinstance(chunks, (Iterable, AsyncIterable)):
            kind = type(chunks).__name__  # type: ignore[unreachable]  # callers may have no types
            raise LocalProtocolError(f"audio must be bytes, or an iterable of bytes, not {kind}")
        self._begin()
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            if isinstance(chunks, AsyncIterable):
                async for chunk in chunks:
                    await self._send_chunk(chunk, pieces, clock)
            else:
                for chunk in (chunks,) if isinstance(chunks, Audio) else chunks:
                    await self._send_chunk(chunk, pieces, clock)
            if rest := pieces.take_rest():
                await self._send_piece(rest, clock)
            await trio.lowlevel.cancel_shielded_checkpoint()
        finally:
            self._is_sending = False

    @asynccontextmanager
    async def mute(self) -> AsyncIterator[None]:
        """Send silence while the block runs."""
        self._handler.check_sends()
        if self._is_muted:
            raise LocalProtocolError("the session is muted already")
        self._is_muted = True
        try:
            async with open_service_nursery() as nursery:
                nursery.start_soon(self._send_silence)
                yield
        finally:
            self._is_muted = False

    def _begin(self) -> None:
        """Begin a call that sends; it has to reset `_is_sending` at its end."""
        self._handler.check_sends()
        if self._is_sending:
            raise LocalProtocolError("another task sends audio already")
        self._is_sending = True

    async def _send_chunk(self, chunk: Audio, pieces: AudioPieces, clock: _RealTime | None) -> None:
        for piece in pieces.cut(_checked(chunk)):
            await self._send_piece(piece, clock)
        await trio.lowlevel.checkpoint()

    async def _send_piece(self, piece: bytes, clock: _RealTime | None) -> None:
        if clock is not None:
            await clock.wait(self.input_format.seconds(len(piece)))
        if self._is_muted:
            self.muted_bytes += len(piece)
        else:
            await self._send(piece, is_patient=clock is None)

    async def _send(self, data: bytes, *, is_patient: bool) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        whole, rest = self._samples._split(data)
        if not whole:
            self._samples._rest = rest
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        await self._wait_space(len(whole), is_patient=is_patient)
        outgoing = self._handler.queue(whole)
        if outgoing.status is Status.SENT:  # already
            self._samples._rest = rest
            if is_turn_of_others():
                await trio.lowlevel.cancel_shielded_checkpoint()
            return
        try:
            await self._handler.wait_sent(outgoing)
        finally:
            if not outgoing.is_withdrawn:
                self._samples._rest = rest

    async def _wait_space(self, size: int, *, is_patient: bool) -> None:
        """Wait while the session reconnects and cannot keep so much audio."""
        while not self._handler.can_add(size, is_patient=is_patient):
            await self._handler.changed.park()
            self._handler.check_sends()

    @enable_ki_protection
    async def _send_silence(self) -> None:
        size = self.input_format.piece_bytes
        silence, seconds = self.input_format.silence(size), self.input_format.seconds(size)
        clock = _RealTime(trio.current_time() + seconds)
        with suppress(CartesiaError):  # the receive loop raises it, or the audio has ended
            while True:
                await clock.wait(seconds)
                await self._wait_space(size, is_patient=False)
                await self._handler.wait_sent(self._handler.queue(silence))


def _checked(audio: object) -> bytes:
    if not isinstance(audio, (bytes, bytearray, memoryview)):
        raise LocalProtocolError(f"audio must be bytes, not {type(audio).__name__}")
    return bytes(audio)

"""This machine's microphone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Self

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import CaptureFailed, LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.audio import SAMPLE_RATES
from trio_cartesia._protocol.stt.audio import InputFormat, STTEncoding
from trio_cartesia._runtime.managers import block
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia.playback.device import open_microphone_device
from trio_cartesia.sources.capture_queue import CaptureQueue
from trio_cartesia.sources.statistics import MicrophoneStatistics

__all__ = [
    "BUFFER_SECONDS",
    "CLOSE_SECONDS",
    "DEVICE_SECONDS",
    "Microphone",
    "open_microphone",
]

BUFFER_SECONDS: Final = 10.0  # of audio that waits to be received
DEVICE_SECONDS: Final = 2.0  # without audio from the device, until it counts as lost
CLOSE_SECONDS: Final = 2.0  # for a driver to stop; then it is left to its own thread

ENCODING: Final = "pcm_s16le"


@no_public_constructor("open_microphone()")
@attrs.define(eq=False, init=False)
class Microphone:
    """An asynchronous iterator of what this machine's microphone records.

    Made by `open_microphone`. Each item is all audio since the last one, in whole samples. Audio
    that is not received waits, at most 10 seconds of it; of more, the newest is dropped, and
    `statistics` has how much.

    Attributes:
        encoding: ``"pcm_s16le"``.
        sample_rate: Samples a second.
    """

    encoding: STTEncoding
    sample_rate: int
    _format: InputFormat = attrs.field(init=False, repr=False)
    _queue: CaptureQueue = attrs.field(init=False, repr=False)
    _has_audio: trio.Event = attrs.field(factory=trio.Event, init=False, repr=False)
    _run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    _is_receiving: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._format = InputFormat(encoding=self.encoding, sample_rate=self.sample_rate)
        budget_bytes = round(BUFFER_SECONDS * self.sample_rate) * self._format.bytes_per_sample
        wake = partial(self._run_check.token.run_sync_soon, self._wake, idempotent=True)
        self._queue = CaptureQueue(budget_bytes, wake)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return what was recorded, as soon as there is some. If cancelled, nothing is lost.

        Raises:
            CaptureFailed: The device has given nothing for two seconds.
            LocalProtocolError: Another task receives, or the block has ended.
        """
        self._run_check.check()
        if self._is_receiving:
            raise LocalProtocolError("another task receives from this microphone already")
        await trio.lowlevel.checkpoint_if_cancelled()
        self._is_receiving = True
        try:
            while not (audio := self._queue.take()):
                if self._queue.is_closed:
                    raise LocalProtocolError("the microphone's block has ended: open another one")
                await self._wait()
        finally:
            self._is_receiving = False
        await trio.lowlevel.cancel_shielded_checkpoint()
        return audio

    def statistics(self) -> MicrophoneStatistics:
        """Return a snapshot of the microphone's counters."""
        self._run_check.check()
        queue, seconds = self._queue, self._format.seconds
        return MicrophoneStatistics(
            audio_seconds=seconds(queue.put_bytes),
            buffered_seconds=seconds(queue.waiting_bytes),
            buffer_limit_seconds=seconds(queue.budget_bytes),
            dropped_seconds=seconds(queue.dropped_bytes),
        )

    def _wake(self) -> None:
        self._has_audio.set()

    def _close(self) -> None:
        self._queue.is_closed = True
        self._wake()

    async def _wait(self) -> None:
        """Wait until the device has given audio, or the block has ended."""
        self._has_audio = trio.Event()
        with trio.move_on_after(DEVICE_SECONDS) as scope:
            await self._has_audio.wait()
        if scope.cancelled_caught:
            raise CaptureFailed(
                f"the microphone has given no audio for {DEVICE_SECONDS:g} s: "
                "check that it is still connected, and open it again"
            )


@block("a microphone (open_microphone)")
@asynccontextmanager
async def open_microphone(
    *, sample_rate: int = 16000, backend: str | None = None
) -> AsyncIterator[Microphone]:
    """Record with this machine's default microphone while the block runs (extra ``play``).

    Args:
        sample_rate: Samples a second, which the device converts to; 16000 is recommended for speech
            to text.
        backend: The system's way to its devices, such as ``"alsa"`` or ``"pulseaudio"``; None takes
            the first one that works. ``"null"`` records silence, in real time.

    Raises:
        LocalProtocolError: The rate is not one that speech has (`SampleFormat`), or there is no
            such backend.
        CaptureFailed: There is no microphone, another program has it, or miniaudio is not
            installed.

    Example::

        import trio
        from trio_cartesia import Cartesia, open_microphone

        async def main():
            async with (
                Cartesia() as client,
                open_microphone(backend="null") as microphone,
                client.stt.auto_finalize.websocket(
                    model="ink-2",
                    encoding=microphone.encoding,
                    sample_rate=microphone.sample_rate,
                ) as session,
            ):
                async for audio in microphone:
                    await session.send_audio(audio)
                    if microphone.statistics().audio_seconds > 0.5:
                        break
                await session.no_more_audio()
                async for turn in session.turns():
                    text = await turn.end()
                    print(text)

        trio.run(main)
    """
    checks.choice(sample_rate, "sample_rate", SAMPLE_RATES)
    microphone = create(Microphone, ENCODING, sample_rate)
    opening = partial(open_microphone_device, sample_rate=sample_rate, backend=backend)
    device = await trio.to_thread.run_sync(opening)
    try:
        await trio.to_thread.run_sync(device.start, microphone._queue.blocks())
        yield microphone
    finally:
        microphone._close()
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await trio.to_thread.run_sync(device.close, abandon_on_cancel=True)

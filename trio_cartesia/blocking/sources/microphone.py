"""`Microphone` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.stt.audio import STTEncoding
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.client import Cartesia
from trio_cartesia.blocking.wrapper import IteratorWrapper
from trio_cartesia.sources.microphone import Microphone as AsyncMicrophone
from trio_cartesia.sources.microphone import open_microphone as async_open_microphone
from trio_cartesia.sources.statistics import MicrophoneStatistics

__all__ = ["Microphone", "open_microphone"]


@no_public_constructor("open_microphone()")
@attrs.define(eq=False, init=False, repr=False)
class Microphone(IteratorWrapper[AsyncMicrophone]):
    """An iterator of what this machine's microphone records.

    Made by `open_microphone`. Each item is all audio since the last one, in whole samples. Audio
    that is not received waits, at most 10 seconds of it; of more, the newest is dropped, and
    `statistics` has how much.

    Attributes:
        encoding: ``"pcm_s16le"``.
        sample_rate: Samples a second.
    """

    @property
    def encoding(self) -> STTEncoding:
        """``"pcm_s16le"``."""
        return self._inner.encoding

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self._inner.sample_rate

    def __next__(self) -> bytes:
        """Return what was recorded, as soon as there is some. If interrupted by Ctrl-C, nothing is
        lost.

        Raises:
            CaptureFailed: The device has given nothing for two seconds.
            LocalProtocolError: Another thread receives, or the block has ended.
        """
        item: bytes = self._next()
        return item

    def statistics(self) -> MicrophoneStatistics:
        """Return a snapshot of the microphone's counters."""
        return self._portal.run_sync(self._inner.statistics)


def open_microphone(
    client: Cartesia, *, sample_rate: int = 16000, backend: str | None = None
) -> Manager[Microphone]:
    """Record with this machine's default microphone while the block runs (extra ``play``).

    Args:
        client: The client in whose thread it is received; its block has to be entered.
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

        from trio_cartesia.blocking import Cartesia, open_microphone

        with (
            Cartesia() as client,
            open_microphone(client, backend="null") as microphone,
            client.stt.auto_finalize.websocket(
                model="ink-2",
                encoding=microphone.encoding,
                sample_rate=microphone.sample_rate,
            ) as session,
        ):
            for audio in microphone:
                session.send_audio(audio)
                if microphone.statistics().audio_seconds > 0.5:
                    break
            session.no_more_audio()
            for turn in session.turns():
                text = turn.end()
                print(text)
    """
    return Block(
        client._portal, async_open_microphone(sample_rate=sample_rate, backend=backend), Microphone
    )

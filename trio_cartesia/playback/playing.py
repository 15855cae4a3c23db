"""One context on its way to the sound device."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final

import attrs
import trio

from trio_cartesia._errors import PlaybackFailed
from trio_cartesia._protocol.text.timeline import Heard
from trio_cartesia._runtime.playout.playout import Playout
from trio_cartesia.playback.audio_queue import AudioQueue

__all__ = ["DEVICE_SECONDS", "QUEUE_SECONDS", "Playing"]

QUEUE_SECONDS: Final = 0.2  # of audio that wait for the device
DEVICE_SECONDS: Final = 2.0  # without the device asking for audio, until it counts as lost
POLL_SECONDS: Final = 0.01


@attrs.define(eq=False)
class Playing:
    """Moves frames into the device's queue.

    Attributes:
        queue: What the device takes.
        scope: What `run` is called in.
        is_stopped: Set by `stop`.
    """

    _playout: Playout
    queue: AudioQueue
    _convert: Callable[[bytes], bytes]
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    is_stopped: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._playout.played(0.0)

    @property
    def heard(self) -> Heard:
        """What was heard until now."""
        self._report()
        return self._playout.heard

    async def run(self) -> None:
        """Play all, and return once the device has played it.

        Raises:
            PlaybackFailed: The device asks for no more audio.
            Exception: What the playout raises, after what came before was played.
        """
        failure: Exception | None = None
        try:
            async for frame in self._playout:
                while self.queue.waiting_seconds >= QUEUE_SECONDS:
                    await self._poll()
                self.queue.put(self._convert(frame.audio))
        except Exception as error:  # noqa: BLE001  # raised again, after what came before
            failure = error
        self.queue.has_all = True
        while not self.queue.is_played:
            await self._poll()
        if failure is not None:
            raise failure

    def stop(self) -> None:
        """Put and play nothing more; what was heard stays as it is now."""
        self.is_stopped = True
        self.queue.stop()
        self._report()
        self.scope.cancel("playing was stopped")

    def _report(self) -> None:
        self._playout.played(self.queue.played_seconds)

    async def _poll(self) -> None:
        if perf_counter() - self.queue.asked_at > DEVICE_SECONDS:
            raise PlaybackFailed(
                f"the sound device has asked for no audio for {DEVICE_SECONDS:g} s: "
                "check that it is still connected, and open the speaker again"
            )
        await trio.sleep(POLL_SECONDS)

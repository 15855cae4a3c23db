"""A sound device that plays contexts, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.text.timeline import Heard
from trio_cartesia._protocol.tts.formats import RawOutputFormat, raw_output_format
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._runtime.context import Context
from trio_cartesia._runtime.managers import block
from trio_cartesia._runtime.run_check import RunCheck
from trio_cartesia.playback.audio_queue import AudioQueue
from trio_cartesia.playback.device import Device, open_device
from trio_cartesia.playback.g711 import decode_alaw, decode_mulaw
from trio_cartesia.playback.playing import Playing

__all__ = ["CLOSE_SECONDS", "Speaker", "open_speaker"]

CLOSE_SECONDS: Final = 2.0  # for a driver to stop; then it is left to its own thread

DECODERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "pcm_f32le": bytes,
    "pcm_s16le": bytes,
    "pcm_mulaw": decode_mulaw,
    "pcm_alaw": decode_alaw,
}


@no_public_constructor("open_speaker()")
@attrs.define(eq=False, init=False)
class Speaker:
    """This machine's sound device, which plays one context at a time.

    Made by `open_speaker`.

    Attributes:
        output_format: What its contexts have to have.
    """

    output_format: RawOutputFormat
    _device: Device = attrs.field(repr=False)
    _run_check: RunCheck = attrs.field(factory=RunCheck, init=False, repr=False)
    _playing: Playing | None = attrs.field(default=None, init=False, repr=False)
    _is_paused: bool = attrs.field(default=False, init=False)
    _device_lock: trio.Lock = attrs.field(factory=trio.Lock, init=False, repr=False)

    @property
    def heard(self) -> Heard | None:
        """What was heard until now of the context that is played, or was last; None if none was.

        It counts what the device took, less what it still holds as far as that is known: a frame
        or two. Sound may travel on for longer than that, to wireless headphones for example.
        """
        self._run_check.check()
        return self._playing.heard if self._playing is not None else None

    @property
    def underruns(self) -> int:
        """How often the device ran out of speech of the context that is played, or was last."""
        self._run_check.check()
        return self._playing.queue.underruns if self._playing is not None else 0

    async def play(
        self, context: Context, *, on_event: Callable[[Event], object] | None = None
    ) -> Heard:
        """Play all of a context, and return once it was heard, or once `stop` was called.

        It receives the context's events, through a playout. If cancelled, playing stops at once,
        and `heard` has what was heard. The context is left as it is: leaving its block cancels it.

        Args:
            context: What to play, from its first event that was not received yet.
            on_event: As in `Context.playout`.

        Raises:
            LocalProtocolError: The context's audio has another format, something else receives its
                events, or the speaker plays already.
            PlaybackFailed: The device does not play, or has stopped asking for audio.
            CartesiaError: What `Context.receive` raises, after all that came before was heard.
        """
        self._run_check.check()
        if self._is_playing:
            raise LocalProtocolError("the speaker plays a context already: stop() ends that")
        if context.output_format != self.output_format:
            raise LocalProtocolError(
                f"the speaker plays {self.output_format}, and the context's audio is "
                f"{context.output_format}: give both the same output_format"
            )
        self._playing = playing = self._new_playing(context, on_event)
        try:
            with playing.scope:
                async with self._device_lock:  # it may still be stopping
                    await self._run(playing)
        finally:
            playing.stop()
        return playing.heard

    def pause(self) -> None:
        """Play silence until `resume`, at once but for what the device holds."""
        self._set_paused(True)

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        self._set_paused(False)

    def stop(self) -> None:
        """Stop what is played at once, and drop the rest: its `play` returns what was heard.

        What the device itself holds is dropped where its driver can do that. Another `play` may
        follow at once.
        """
        self._run_check.check()
        if self._playing is not None:
            self._playing.stop()

    @property
    def _is_playing(self) -> bool:
        return self._playing is not None and not self._playing.is_stopped

    def _set_paused(self, is_paused: bool) -> None:
        self._run_check.check()
        self._is_paused = is_paused
        if self._playing is not None:
            self._playing.queue.is_paused = is_paused

    def _new_playing(self, context: Context, on_event: Callable[[Event], object] | None) -> Playing:
        size = 4 if self.output_format.encoding == "pcm_f32le" else 2
        queue = AudioQueue(self.output_format.sample_rate, size, is_paused=self._is_paused)
        playout = context.playout(pace="as_fast_as_possible", on_event=on_event)
        return Playing(playout, queue, DECODERS[self.output_format.encoding])

    async def _run(self, playing: Playing) -> None:
        try:
            await trio.to_thread.run_sync(self._device.start, playing.queue.blocks())
            await playing.run()
        finally:
            playing.stop()
            with trio.move_on_after(CLOSE_SECONDS, shield=True):
                await trio.to_thread.run_sync(self._device.stop, abandon_on_cancel=True)


@block("a speaker (open_speaker)")
@asynccontextmanager
async def open_speaker(
    output_format: RawOutputFormat | Mapping[str, object], *, backend: str | None = None
) -> AsyncIterator[Speaker]:
    """Open this machine's default sound device for the block (extra ``play``).

    Args:
        output_format: That of the contexts that it will play, of any encoding.
        backend: The system's way to its devices, such as ``"alsa"`` or ``"pulseaudio"``; None takes
            the first one that works. ``"null"`` plays in silence, in real time.

    Raises:
        LocalProtocolError: The format is not raw or not valid, or there is no such backend.
        PlaybackFailed: There is no sound device, or miniaudio is not installed.

    Example::

        import trio
        from trio_cartesia import Cartesia, open_speaker

        FORMAT = {"encoding": "pcm_s16le", "sample_rate": 24000}

        async def main():
            async with (
                Cartesia() as client,
                client.tts.websocket_connect() as connection,
                open_speaker(FORMAT, backend="null") as speaker,
                connection.speak(
                    "Hello.",
                    model_id="sonic-latest",
                    voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                    output_format=FORMAT,
                    add_timestamps=True,
                ) as context,
            ):
                heard = await speaker.play(context)
                print(heard.text)

        trio.run(main)
    """
    checked = raw_output_format(output_format)
    opening = partial(
        open_device,
        is_float=checked.encoding == "pcm_f32le",
        sample_rate=checked.sample_rate,
        backend=backend,
    )
    device = await trio.to_thread.run_sync(opening)
    try:
        yield create(Speaker, checked, device)
    finally:
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            await trio.to_thread.run_sync(device.close, abandon_on_cancel=True)

"""`Speaker` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._protocol.text.timeline import Heard
from trio_cartesia._protocol.tts.formats import RawOutputFormat
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia.blocking.block import Block, Manager
from trio_cartesia.blocking.client import Cartesia
from trio_cartesia.blocking.context import Context
from trio_cartesia.blocking.speaker_base import SpeakerBase
from trio_cartesia.playback.speaker import open_speaker as async_open_speaker

__all__ = ["Speaker", "open_speaker"]


@no_public_constructor("open_speaker()")
@attrs.define(eq=False, init=False, repr=False)
class Speaker(SpeakerBase):
    """This machine's sound device, which plays one context at a time.

    Made by `open_speaker`.

    Attributes:
        output_format: What its contexts have to have.
    """

    @property
    def output_format(self) -> RawOutputFormat:
        """What its contexts have to have."""
        return self._inner.output_format

    @property
    def heard(self) -> Heard | None:
        """What was heard until now of the context that is played, or was last; None if none was.

        It counts what the device took, less what it still holds as far as that is known: a frame
        or two. Sound may travel on for longer than that, to wireless headphones for example.
        """
        return self._portal.run_sync(lambda: self._inner.heard)

    @property
    def underruns(self) -> int:
        """How often the device ran out of speech of the context that is played, or was last."""
        return self._portal.run_sync(lambda: self._inner.underruns)

    def play(self, context: Context, *, on_event: Callable[[Event], object] | None = None) -> Heard:
        """Play all of a context, and return once it was heard, or once `stop` was called.

        It receives the context's events, through a playout. If interrupted by Ctrl-C, playing stops
        at once, and `heard` has what was heard. The context is left as it is: leaving its block
        cancels it.

        Args:
            context: What to play, from its first event that was not received yet.
            on_event: As in `Context.playout`.

        Raises:
            LocalProtocolError: The context's audio has another format, something else receives its
                events, or the speaker plays already.
            PlaybackFailed: The device does not play, or has stopped asking for audio.
            CartesiaError: What `Context.receive` raises, after all that came before was heard.
        """
        context._put_back()
        return self._play(context._inner, on_event)

    def pause(self) -> None:
        """Play silence until `resume`, at once but for what the device holds."""
        self._portal.run_sync(self._inner.pause)

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        self._portal.run_sync(self._inner.resume)

    def stop(self) -> None:
        """Stop what is played at once, and drop the rest: its `play` returns what was heard.

        What the device itself holds is dropped where its driver can do that. Another `play` may
        follow at once.
        """
        self._portal.run_sync(self._inner.stop)


def open_speaker(
    client: Cartesia,
    output_format: RawOutputFormat | Mapping[str, object],
    *,
    backend: str | None = None,
) -> Manager[Speaker]:
    """Open this machine's default sound device for the block (extra ``play``).

    Args:
        client: The client whose contexts will be played; its block has to be entered.
        output_format: That of the contexts that it will play, of any encoding.
        backend: The system's way to its devices, such as ``"alsa"`` or ``"pulseaudio"``; None takes
            the first one that works. ``"null"`` plays in silence, in real time.

    Raises:
        LocalProtocolError: The format is not raw or not valid, or there is no such backend.
        PlaybackFailed: There is no sound device, or miniaudio is not installed.

    Example::

        from trio_cartesia.blocking import Cartesia, open_speaker

        FORMAT = {"encoding": "pcm_s16le", "sample_rate": 24000}

        with (
            Cartesia() as client,
            client.tts.websocket_connect() as connection,
            open_speaker(client, FORMAT, backend="null") as speaker,
            connection.speak(
                "Hello.",
                model_id="sonic-latest",
                voice="6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
                output_format=FORMAT,
                add_timestamps=True,
            ) as context,
        ):
            heard = speaker.play(context)
            print(heard.text)
    """
    return Block(client._portal, async_open_speaker(output_format, backend=backend), Speaker)

"""What a speaker has that does not merely pass calls on: playing, which Ctrl-C stops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from trio_cartesia._protocol.text.timeline import Heard
from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._runtime.context import Context as AsyncContext
from trio_cartesia.blocking.call import Call
from trio_cartesia.blocking.wrapper import Wrapper
from trio_cartesia.playback.speaker import Speaker as AsyncSpeaker

__all__ = ["SpeakerBase"]


@attrs.define(eq=False, repr=False)
class SpeakerBase(Wrapper[AsyncSpeaker]):
    """A speaker that can play again as soon as playing was interrupted."""

    def _play(self, context: AsyncContext, on_event: Callable[[Event], object] | None) -> Heard:
        call = Call(partial(self._inner.play, context, on_event=on_event))
        try:
            return self._portal.perform(call)
        except BaseException:
            self._portal.soon(self._stop, call)
            raise

    def _stop(self, call: Call[Heard]) -> None:
        if call.scope.cancel_called:  # its task may run later than that of a play() that follows
            self._inner.stop()

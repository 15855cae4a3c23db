"""What sessions of speech to text have that does not merely pass calls on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, TypeVar

import attrs
import trio

from trio_cartesia._protocol.stt.messages import Received
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.stt.audio_sender import Audio
from trio_cartesia._runtime.stt.session import TranscriptionSession
from trio_cartesia.blocking.pieces import feed_from_caller
from trio_cartesia.blocking.receiving import EventIterator
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["SessionBase"]

INTERRUPTED_SECONDS: Final = 1.0  # for a call that was cancelled to end

Send = Callable[[Any], Awaitable[None]]
S = TypeVar("S", bound=TranscriptionSession[Any])


@attrs.define(eq=False, repr=False)
class SessionBase(Wrapper[S]):
    """A session with an iterator of its events."""

    _events: EventIterator[Received] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = EventIterator(self._portal, self._inner._handler.inbox)

    @property
    def _finish(self) -> Callable[[], Awaitable[None]]:
        return self._events.put_back

    def _feed(self, chunks: Audio | Iterable[Audio], pace: Pace) -> None:
        """Send audio that the calling thread makes."""
        feed, portal = partial(self._inner.feed, pace=pace), self._portal
        if isinstance(chunks, Audio):
            self._sending(feed, lambda noted: portal.run(noted, chunks))
        else:
            self._sending(feed, lambda noted: feed_from_caller(portal, noted, chunks, "bytes"))

    def _send(self, audio: Audio) -> None:
        """Send audio."""
        self._sending(self._inner.send_audio, lambda noted: self._portal.run(noted, audio))

    def _sending(self, send: Send, call: Callable[[Send], None]) -> None:
        """Make a call that sends; where it is interrupted, wait until nothing of it sends."""
        has_begun, has_ended = False, trio.Event()

        async def noted(audio: Any) -> None:
            nonlocal has_begun
            has_begun = True
            try:
                await send(audio)
            finally:
                has_ended.set()

        async def wait() -> None:
            with trio.move_on_after(INTERRUPTED_SECONDS):
                await has_ended.wait()

        try:
            call(noted)
        except BaseException:
            if has_begun:
                self._portal.run(wait)
            raise

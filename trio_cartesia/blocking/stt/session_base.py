"""What sessions of speech to text have that does not merely pass calls on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import attrs

from trio_cartesia._protocol.stt.messages import Received
from trio_cartesia._runtime.playout.settings import Pace
from trio_cartesia._runtime.stt.audio_sender import Audio
from trio_cartesia._runtime.stt.session import TranscriptionSession
from trio_cartesia.blocking.pieces import feed_from_caller
from trio_cartesia.blocking.receiving import EventIterator
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["SessionBase"]

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
        feed = partial(self._inner.feed, pace=pace)
        if isinstance(chunks, Audio):
            self._portal.run(feed, chunks)
        else:
            feed_from_caller(self._portal, feed, chunks, "bytes")

"""What a context has that does not merely pass calls on: its receive loops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from trio_cartesia._protocol.tts.messages import Event
from trio_cartesia._runtime.context import Context as AsyncContext
from trio_cartesia.blocking.receiving import AudioIterator, EventIterator
from trio_cartesia.blocking.wrapper import Wrapper

__all__ = ["ContextBase"]


@attrs.define(eq=False, repr=False)
class ContextBase(Wrapper[AsyncContext]):
    """A context with iterators of its events and its audio."""

    _events: EventIterator[Event] = attrs.field(init=False)
    _audio: AudioIterator = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = EventIterator(self._portal, self._inner._entry.inbox)
        self._audio = AudioIterator(self._events, self._inner._frames)

    def _put_back(self) -> None:
        """Return to the inbox what a broken receive loop left."""
        self._portal.run(self._events.put_back)

    @property
    def _finish(self) -> Callable[[], Awaitable[None]]:
        return self._events.put_back

"""Texts and audio from iterators that block, for the asynchronous face."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia.blocking.call import Call
from trio_cartesia.blocking.portal import Portal

__all__ = ["feed_from_caller", "pieces_from_thread"]

T = TypeVar("T")

_END: Final = object()


def feed_from_caller(
    portal: Portal, feed: Callable[[Any], Awaitable[None]], pieces: Iterable[T], kind: str = "str"
) -> None:
    """Run *feed* in Trio with *pieces*, which the calling thread makes meanwhile."""
    iterator = _iterator_of(pieces, kind)
    call: Call[None] = Call(lambda: feed(source))
    source = _FromCaller(portal, call, iterator)
    portal.perform(call)


def pieces_from_thread(text: str | Iterable[str]) -> str | AsyncIterator[str]:
    """Return a str unchanged, else an asynchronous iterator of pieces that another thread makes.

    If cancelled, it abandons the thread, which ends once it has made its piece.
    """
    return text if isinstance(text, str) else _FromWorkers(_iterator_of(text, "str"))


def _iterator_of(pieces: Iterable[T], kind: str) -> Iterator[T]:
    if not isinstance(pieces, Iterable):
        raise LocalProtocolError(
            f"the pieces must be {kind} or an iterable of {kind}, not {type(pieces).__name__}; "
            "asynchronous ones are for trio_cartesia.Cartesia"
        )
    return iter(pieces)


class _FromCaller(AsyncIterator[T]):
    def __init__(self, portal: Portal, call: Call[None], iterator: Iterator[T]) -> None:
        self._portal, self._call, self._iterator = portal, call, iterator
        self._piece: Any = None

    async def __anext__(self) -> T:
        is_made = trio.Event()
        self._call.send_back(partial(self._make, is_made))
        await is_made.wait()
        if self._piece is _END:
            raise StopAsyncIteration
        piece: T = self._piece
        return piece

    def _make(self, is_made: trio.Event) -> None:
        self._piece = next(self._iterator, _END)
        self._portal.soon(is_made.set)


class _FromWorkers(AsyncIterator[str]):
    def __init__(self, iterator: Iterator[str]) -> None:
        self._iterator = iterator
        self._limiter = trio.CapacityLimiter(1)  # of its own: others' iterators may block for long

    async def __anext__(self) -> str:
        piece: Any = await trio.to_thread.run_sync(
            next, self._iterator, _END, abandon_on_cancel=True, limiter=self._limiter
        )
        if piece is _END:
            raise StopAsyncIteration
        text: str = piece
        return text

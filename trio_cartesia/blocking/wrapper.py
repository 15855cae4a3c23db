"""What objects of the blocking face have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Self, TypeVar

import attrs
import trio

from trio_cartesia.blocking.portal import Portal

__all__ = ["IteratorWrapper", "Wrapper"]

T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class Wrapper(Generic[T]):
    """An object of the asynchronous face, and the portal to the run that it belongs to."""

    _portal: Portal
    _inner: T
    _block: object = attrs.field(default=None, init=False)  # which stays open with this object

    @property
    def _finish(self) -> Callable[[], Awaitable[None]]:
        """What Trio runs before it leaves the block; it must not refer to this object."""
        return trio.lowlevel.cancel_shielded_checkpoint

    def __repr__(self) -> str:
        return repr(self._inner)


@attrs.define(eq=False, repr=False)
class IteratorWrapper(Wrapper[T]):
    """The same over an asynchronous iterator; an interrupted loop loses none of its items."""

    _items: list[Any] = attrs.field(factory=list, init=False)

    def __iter__(self) -> Self:
        return self

    def _next(self) -> Any:
        try:
            while not self._items:
                self._portal.run(self._fetch)
        except StopAsyncIteration:
            raise StopIteration from None
        item = self._items[0]
        del self._items[0]
        return item  # no call since it was taken

    async def _fetch(self) -> None:
        self._items.append(await anext(self._inner))  # type: ignore[call-overload]  # T is one

"""Lists that the service sends in pages."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, Self, TypeVar

import attrs
import trio

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.rest.pages import Cursor, Page

__all__ = ["Listing", "Pages"]

T = TypeVar("T")
FetchPage = Callable[[Cursor], Awaitable[Page[T]]]  # which also moves the cursor on


@no_public_constructor("pages()")
@attrs.define(eq=False, init=False)
class Pages(AsyncIterator[Page[T]], Generic[T]):
    """The pages of a list: an asynchronous iterator, which requests a page when it is asked for.

    If cancelled, it requests the same page again.
    """

    _fetch: FetchPage[T] = attrs.field(repr=False)
    _cursor: Cursor
    _is_fetching: bool = attrs.field(default=False, init=False)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        """Return the next page.

        Raises:
            StopAsyncIteration: There is no more.
            LocalProtocolError: Another task iterates.
            CartesiaError: As other requests.
        """
        if self._cursor.has_ended:
            await trio.lowlevel.checkpoint()
            raise StopAsyncIteration
        if self._is_fetching:
            raise LocalProtocolError("another task iterates over this list already")
        self._is_fetching = True
        try:
            return await self._fetch(self._cursor)
        finally:
            self._is_fetching = False


@no_public_constructor("the resource's list()")
@attrs.define(eq=False, init=False)
class Listing(AsyncIterator[T], Generic[T]):
    """The items of a list: an asynchronous iterator, which requests a page when it needs one.

    If cancelled, no item is lost.
    """

    _fetch: FetchPage[T] = attrs.field(repr=False)
    _is_backwards: bool
    _pages: Pages[T] = attrs.field(init=False, repr=False)
    _items: deque[T] = attrs.field(factory=deque, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._pages = self.pages()

    def pages(self) -> Pages[T]:
        """Return the pages of the list, from its start."""
        cursor = Cursor(is_backwards=self._is_backwards)
        pages: Pages[T] = create(Pages, self._fetch, cursor)
        return pages

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """Return the next item.

        Raises:
            StopAsyncIteration: There is no more.
            LocalProtocolError: Another task iterates.
            CartesiaError: As other requests.
        """
        if self._items:
            await trio.lowlevel.checkpoint()
        while not self._items:
            self._items.extend((await anext(self._pages)).data)
        return self._items.popleft()

"""`Listing` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Generic

import attrs

from trio_cartesia._constructors import create, no_public_constructor
from trio_cartesia._http.listing import Listing as AsyncListing
from trio_cartesia._http.listing import T
from trio_cartesia.blocking.resources.pages import Pages
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["Listing"]


@no_public_constructor("the resource's list()")
@attrs.define(eq=False, init=False, repr=False)
class Listing(IteratorWrapper[AsyncListing[T]], Generic[T]):
    """The items of a list: an iterator, which requests a page when it needs one.

    If interrupted by Ctrl-C, no item is lost.
    """

    def pages(self) -> Pages[T]:
        """Return the pages of the list, from its start."""
        return create(Pages, self._portal, self._portal.run_sync(self._inner.pages))

    def __next__(self) -> T:
        """Return the next item.

        Raises:
            StopIteration: There is no more.
            LocalProtocolError: Another thread iterates.
            CartesiaError: As other requests.
        """
        item: T = self._next()
        return item

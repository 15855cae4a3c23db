"""`Pages` for threads. tools/write_blocking.py wrote this: do not edit it."""

from __future__ import annotations

from typing import Generic

import attrs

from trio_cartesia._constructors import no_public_constructor
from trio_cartesia._http.listing import Pages as AsyncPages
from trio_cartesia._http.listing import T
from trio_cartesia._protocol.rest.pages import Page
from trio_cartesia.blocking.wrapper import IteratorWrapper

__all__ = ["Pages"]


@no_public_constructor("pages()")
@attrs.define(eq=False, init=False, repr=False)
class Pages(IteratorWrapper[AsyncPages[T]], Generic[T]):
    """The pages of a list: an iterator, which requests a page when it is asked for.

    If interrupted by Ctrl-C, it requests the same page again.
    """

    def __next__(self) -> Page[T]:
        """Return the next page.

        Raises:
            StopIteration: There is no more.
            LocalProtocolError: Another thread iterates.
            CartesiaError: As other requests.
        """
        item: Page[T] = self._next()
        return item

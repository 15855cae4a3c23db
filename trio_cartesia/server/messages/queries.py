"""Reading queries, and lists that are handed out page by page (protocol §1.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import attrs

from trio_cartesia.server.messages.errors import APIError, invalid

__all__ = ["Page", "Query", "page_of"]

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100

_WHOLE: Final = re.compile("[0-9]{1,9}")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


@attrs.frozen
class Query:
    """The query of a request under the reader's eyes.

    What is empty is not set, and of a parameter that is given twice the first counts. Messages
    name the parameter and what it may be; they never repeat what was sent.
    """

    values: Mapping[str, Sequence[str]]

    def refuse(self, name: str, wants: str) -> APIError:
        """Return the exception that says that *name* must be what it *wants*."""
        return APIError(invalid(f"{name} must be {wants}."))

    def text(self, name: str) -> str | None:
        """Return the value of *name*; None if it is not set."""
        return next(filter(None, self.values.get(name, ())), None)

    def whole(self, name: str, *, low: int, high: int, default: int) -> int:
        """Return an integer from *low* to *high*."""
        text = self.text(name)
        if text is None:
            return default
        if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
            raise self.refuse(name, f"an integer from {low} to {high}")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None if it is not set."""
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            raise self.refuse(name, "true or false")
        return _FLAGS[text.lower()]

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of *choices*; None if it is not set."""
        text = self.text(name)
        if text is not None and text not in choices:
            raise self.refuse(name, "one of " + ", ".join(choices))
        return text

    def each(self, name: str, choices: Collection[str]) -> frozenset[str]:
        """Return all values of *name*, which are among *choices*."""
        values = frozenset(filter(None, self.values.get(name, ())))
        if not values <= frozenset(choices):
            raise self.refuse(name, "one of " + ", ".join(choices))
        return values


class Listed(Protocol):
    """What has an id, as everything that is listed."""

    @property
    def id(self) -> str:
        """Different from that of all others in the list."""


T = TypeVar("T", bound=Listed)


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: In the order of the list, whichever way it is walked.
        next_page: The cursor that leads on in the same direction; None if nothing follows.
    """

    items: Sequence[T]
    next_page: str | None

    def json(self, show: Callable[[T], Any]) -> dict[str, Any]:
        """Return what is answered, with each item as *show* has it."""
        return {
            "data": [show(item) for item in self.items],
            "has_more": self.next_page is not None,
            "next_page": self.next_page,
        }


def page_of(items: Sequence[T], query: Query, fits: Callable[[T], bool]) -> Page[T]:
    """Return the page of *items* that *query* asks for, of those that *fit*.

    A cursor is the id of any item of the whole list, whether it fits or not.

    Raises:
        APIError: There is no such item, or two cursors, or no such number of items.
    """
    limit = query.whole("limit", low=1, high=MAX_LIMIT, default=DEFAULT_LIMIT)
    after, before = query.text("starting_after"), query.text("ending_before")
    if after is not None and before is not None:
        raise query.refuse("ending_before", "left out where starting_after is given")
    if before is not None:
        end = _place(items, before, query, "ending_before")
        found = [item for item in items[:end] if fits(item)]
        page = found[-limit:]
        return Page(items=page, next_page=page[0].id if len(found) > limit else None)
    start = 0 if after is None else _place(items, after, query, "starting_after") + 1
    found = [item for item in items[start:] if fits(item)]
    page = found[:limit]
    return Page(items=page, next_page=page[-1].id if len(found) > limit else None)


def _place(items: Sequence[Listed], cursor: str, query: Query, name: str) -> int:
    for place, item in enumerate(items):
        if item.id == cursor:
            return place
    raise query.refuse(name, "the id of something in this list")  # protocol §1.6: our choice

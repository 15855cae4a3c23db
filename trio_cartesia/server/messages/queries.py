"""Read the parameters of a query, and divide lists into pages (protocol §1.6)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final, Generic, Protocol, TypeVar

import attrs
import trio

from trio_cartesia.server.messages.errors import APIError, invalid

__all__ = ["Listing", "Page", "Query", "page_of"]

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100
SEARCHED: Final = 32  # items of a list before other tasks run again

_INTEGER: Final = re.compile("[0-9]{1,9}")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


@attrs.frozen
class Query:
    """Typed access to the parameters of a query.

    An empty parameter counts as unset; if a parameter is repeated, the first value is used.
    Messages name the parameter and its allowed values; they never repeat the value.
    """

    values: Mapping[str, Sequence[str]]

    def field_error(self, name: str, expected: str) -> APIError:
        """Return the error for a field *name* that is not *expected*, as in "an integer"."""
        return APIError(invalid(f"{name} must be {expected}."))

    def text(self, name: str) -> str | None:
        """Return the value of *name*; None if it is not set."""
        return next(filter(None, self.values.get(name, ())), None)

    def integer(self, name: str, *, low: int, high: int, default: int) -> int:
        """Return an integer from *low* to *high*."""
        text = self.text(name)
        if text is None:
            return default
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            raise self.field_error(name, f"an integer from {low} to {high}")
        return int(text)

    def number(self, name: str, *, low: float, high: float) -> float | None:
        """Return a number from *low* to *high*; None if it is not set."""
        text = self.text(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.field_error(name, f"a number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None if it is not set."""
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in _FLAGS:
            raise self.field_error(name, "true or false")
        return _FLAGS[text.lower()]

    def time(self, name: str, *, is_end: bool = False) -> datetime | None:
        """Return a time, of UTC if it has no zone; None if it is not set.

        A date without a time stands for the start of the day, or for its end if *is_end*.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if is_end and _is_date(text):
                moment = datetime.combine(moment, time.max)
            return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.field_error(name, "a date and time of ISO 8601") from error

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        """Return one of *choices*; None if it is not set."""
        text = self.text(name)
        if text is not None and text not in choices:
            raise self.field_error(name, "one of " + ", ".join(choices))
        return text

    def each(self, name: str, choices: Collection[str]) -> frozenset[str]:
        """Return all values of *name*, which are among *choices*."""
        values = frozenset(filter(None, self.values.get(name, ())))
        if not values <= frozenset(choices):
            raise self.field_error(name, "one of " + ", ".join(choices))
        return values


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


class Listed(Protocol):
    """An item of a list, identified by its id."""

    @property
    def id(self) -> str:
        """An id that is unique in the list."""


T = TypeVar("T", bound=Listed)
T_co = TypeVar("T_co", bound=Listed, covariant=True)


class Listing(Protocol[T_co]):
    """A list that is read from any of its places on, in either direction."""

    def place(self, item_id: str) -> int | None:
        """Return the place of an item; None if the list has none with that id."""

    def walk(self, start: int | None, *, backward: bool) -> Iterator[T_co]:
        """Yield the items behind the place *start*, or before it, the next ones first."""


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: The items, always in the order of the list.
        next_page: The cursor of the next page in the same direction; None if this is the last.
    """

    items: Sequence[T]
    next_page: str | None

    def json(self, show: Callable[[T], Any]) -> dict[str, Any]:
        """Return the body of the response, with each item serialized by *show*."""
        return {
            "data": [show(item) for item in self.items],
            "has_more": self.next_page is not None,
            "next_page": self.next_page,
        }


async def page_of(
    items: Listing[T],
    query: Query,
    matches: Callable[[T], bool] = lambda _: True,
    *,
    newest_first: bool = False,
) -> Page[T]:
    """Return the page of *items* that *query* selects, of those that *matches* accepts.

    A cursor is the id of any item of the whole list, even if the item does not match. Other tasks
    run during a long search.

    Args:
        items: The whole list, oldest first.
        query: The limit and the cursor.
        matches: Returns whether an item is in the list of the response.
        newest_first: Whether that list is in the opposite order.

    Raises:
        APIError: A cursor is not the id of an item, both cursors are given, or the limit is out of
            range.
    """
    await trio.lowlevel.checkpoint()
    limit = query.integer("limit", low=1, high=MAX_LIMIT, default=DEFAULT_LIMIT)
    after, before = query.text("starting_after"), query.text("ending_before")
    if after is not None and before is not None:
        raise query.field_error("ending_before", "left out where starting_after is given")
    start = None
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor is not None and (start := items.place(cursor)) is None:
            # protocol §1.6: our choice
            raise query.field_error(name, "the id of something in this list")
    found: list[T] = []
    walk = items.walk(start, backward=newest_first != (before is not None))
    for number, item in enumerate(walk, 1):
        if matches(item):
            found.append(item)
        if len(found) > limit:
            break
        if not number % SEARCHED:
            await trio.lowlevel.checkpoint()
    page = found[:limit]
    next_page = page[-1].id if len(found) > limit else None
    return Page(items=page if before is None else page[::-1], next_page=next_page)

"""Pages of lists, and the cursor to the next one (protocol §1.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import attrs

from trio_cartesia._errors import RemoteProtocolError
from trio_cartesia._protocol.rest.reading import read
from trio_cartesia._protocol.rest.records import extra

__all__ = ["Page", "next_cursor", "read_page"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        data: Its items.
        has_more: Whether other pages follow; None if the service did not say.
        next_page: The cursor to the next page, or None.
        extra: Members that this version does not know.
    """

    data: tuple[T, ...]
    has_more: bool | None = None
    next_page: str | None = None
    extra: Mapping[str, object] = extra()


@attrs.frozen(kw_only=True)
class _AnyPage:
    data: tuple[object, ...]
    has_more: bool | None = None
    next_page: str | None = None
    extra: Mapping[str, object] = extra()


def read_page(value: Any, item: type[T]) -> Page[T]:
    """Return a JSON value as a page of *item*.

    Raises:
        RemoteProtocolError: It is not one.
    """
    page = read(value, _AnyPage)
    return Page(
        data=tuple(read(each, item) for each in page.data),
        has_more=page.has_more,
        next_page=page.next_page,
        extra=page.extra,
    )


def next_cursor(page: Page[Any], cursor: str | None, *, is_backwards: bool) -> str | None:
    """Return the cursor to the page behind *page*, or None if that was the last.

    The list ends at ``has_more: false`` and at an empty page. Lists of calls do not have
    ``has_more``; they end where ``next_page`` is missing (protocol §5.8).

    Args:
        page: The page that was read.
        cursor: The cursor that it was read with.
        is_backwards: Whether cursors are those of ``ending_before``.

    Raises:
        RemoteProtocolError: The cursor is that of *page* itself, so the list would never end.
    """
    if not page.data or page.has_more is False or (page.has_more is None and not page.next_page):
        return None
    edge = page.data[0] if is_backwards else page.data[-1]
    following: str | None = page.next_page or getattr(edge, "id", None)
    if following is not None and following == cursor:
        raise RemoteProtocolError("a list names the same page as the next one, and does not end")
    return following

"""Pages of lists, and the cursor to the next one (protocol §1.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import attrs

from trio_cartesia._errors import RemoteProtocolError
from trio_cartesia._protocol.rest.reading import read
from trio_cartesia._protocol.rest.records import extra

__all__ = ["Cursor", "Page", "read_page"]

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


@attrs.define(kw_only=True)
class Cursor:
    """The way through the pages of a list.

    Attributes:
        is_backwards: Whether cursors are those of ``ending_before``.
        value: The cursor of the next page; None for the first page.
        has_ended: Whether the last page was read.
    """

    is_backwards: bool
    value: str | None = attrs.field(default=None, init=False)
    has_ended: bool = attrs.field(default=False, init=False)
    _mark: str | None = attrs.field(default=None, init=False)  # a cursor that was passed
    _steps: int = attrs.field(default=0, init=False)  # since the mark
    _steps_to_mark: int = attrs.field(default=1, init=False)

    def follow(self, page: Page[Any]) -> None:
        """Move on to the page behind *page*, or to the end if that was the last.

        The list ends at ``has_more: false`` and at an empty page. Lists of calls do not have
        ``has_more``; they end where ``next_page`` is missing (protocol §5.8).

        Raises:
            RemoteProtocolError: A cursor came again, so the list would never end. That is found
                within three times as many pages as came before the repetition: Brent's algorithm
                keeps one cursor to compare with, and replaces it at twice the distance each time.
        """
        following = self._behind(page)
        if following is not None and following == self._mark:
            raise RemoteProtocolError("a list has come back to a page, and does not end")
        self.value, self.has_ended = following, following is None
        self._steps += 1
        if self._steps == self._steps_to_mark:
            self._mark, self._steps, self._steps_to_mark = following, 0, 2 * self._steps_to_mark

    def _behind(self, page: Page[Any]) -> str | None:
        if not page.data or page.has_more is False:
            return None
        if page.has_more is None and not page.next_page:
            return None
        edge = page.data[0] if self.is_backwards else page.data[-1]
        following: str | None = page.next_page or getattr(edge, "id", None)
        return following

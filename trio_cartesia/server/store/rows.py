"""Lists of the store, which are read a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

import attrs

from trio_cartesia.server.store.usage import storable

__all__ = ["RowList"]

BATCH_ROWS: Final = 32
LAST: Final = 2**63 - 1  # of the numbers of SQLite

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class RowList(Generic[T]):
    """Rows of a table in the order of their numbers, which is that of their creation.

    A page of a list takes the time of a page, however long the list is. No statement stays open
    between two rows, so the store may change meanwhile; rows that were added or removed since may
    or may not be seen, and all others are seen once.

    Attributes:
        execute: Returns the rows of a statement.
        columns: The columns that *make* takes.
        rows: The table and a condition, with *values* for its question marks.
        make: Makes an item of the columns of a row.
    """

    execute: Callable[[str, Sequence[object]], list[Any]] = attrs.field(repr=False)
    columns: str
    rows: str
    values: tuple[object, ...] = attrs.field(repr=False)
    make: Callable[..., T]

    def __iter__(self) -> Iterator[T]:
        """Iterate over all items, oldest first."""
        return self.walk(None, backward=False)

    def place(self, item_id: str) -> int | None:
        """Return the number of the row with that id; None if the list has none."""
        statement = f"SELECT number FROM {self.rows} AND id = ?"  # noqa: S608  # constants
        found = self.execute(statement, (*self.values, storable(item_id)))
        return found[0][0] if found else None

    def walk(self, start: int | None, *, backward: bool) -> Iterator[T]:
        """Yield the items behind the number *start*, or before it, the next ones first.

        Args:
            start: The number of a row, which is not yielded; None yields all.
            backward: Whether to go to lower numbers.
        """
        compared, order = ("<", "DESC") if backward else (">", "ASC")
        statement = (
            f"SELECT number, {self.columns} FROM {self.rows} AND number {compared} ?"  # noqa: S608  # constants
            f" ORDER BY number {order} LIMIT {BATCH_ROWS}"
        )
        number = (LAST if backward else -1) if start is None else start
        while batch := self.execute(statement, (*self.values, number)):
            for _, *columns in batch:
                yield self.make(*columns)
            number = batch[-1][0]

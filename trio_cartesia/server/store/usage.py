"""What was spoken, in credits: one row for each day, account, capability, model and voice.

There are at most 100,000 rows; beyond that the oldest days are dropped.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

import attrs

from trio_cartesia.server.store.failures import report_failures

__all__ = ["UsageRow", "UsageTable", "storable"]

logger = logging.getLogger("trio_cartesia.server")

MAX_ROWS: Final = 100_000
TABLE: Final = """
CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL,
    account TEXT NOT NULL,
    capability TEXT NOT NULL,
    model TEXT NOT NULL,
    voice TEXT NOT NULL,
    credits REAL NOT NULL,
    PRIMARY KEY (day, account, capability, model, voice)
) WITHOUT ROWID
"""
ADD: Final = (
    "UPDATE usage SET credits = credits + ?"
    " WHERE day = ? AND account = ? AND capability = ? AND model = ? AND voice = ?"
)
INSERT: Final = "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?)"
SELECT: Final = (
    "SELECT day, account, capability, model, voice, credits FROM usage WHERE day BETWEEN ? AND ?"
)
DROP: Final = "DELETE FROM usage WHERE day = (SELECT MIN(day) FROM usage)"


def storable(text: str) -> str:
    """Return *text* with question marks for halves of characters, which SQLite does not accept."""
    return text.encode("utf-8", "replace").decode()


@attrs.frozen
class UsageRow:
    """The credits of one day, account, capability, model and voice."""

    day: date
    account: str
    capability: str
    model: str
    voice: str
    credits: float


@attrs.define(eq=False, repr=False)
class UsageTable:
    """The usage of all accounts, in an open database."""

    _database: sqlite3.Connection
    max_rows: int = MAX_ROWS
    _count: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._database.execute(TABLE)
        (self._count,) = self._database.execute("SELECT COUNT(*) FROM usage").fetchone()

    def __len__(self) -> int:
        return self._count

    def add(
        self,
        *,
        seconds: float,
        account: str,
        capability: str,
        model: str,
        voice: str,
        amount: float,
    ) -> None:
        """Add *amount* credits that were used at a time in seconds since 1970.

        If the database fails, the failure is logged and nothing is added: speech goes on.
        """
        day = datetime.fromtimestamp(seconds, UTC).date().isoformat()
        key = (day, account, capability, storable(model), storable(voice))
        try:
            if not self._database.execute(ADD, (amount, *key)).rowcount:
                self._database.execute(INSERT, (*key, amount))
                self._count += 1
            while self._count > self.max_rows:
                self._count -= self._database.execute(DROP).rowcount
        except sqlite3.ProgrammingError:
            return  # the store is closed: this context outlived the service
        except sqlite3.Error as error:
            logger.error("usage was not recorded: %s", error)  # noqa: TRY400  # one line is enough

    def rows(self, first: date, last: date) -> Iterable[UsageRow]:
        """Return the rows from *first* to *last*, both included.

        Raises:
            APIError: The database failed.
        """
        with report_failures():
            found = self._database.execute(SELECT, (first.isoformat(), last.isoformat())).fetchall()
        return [UsageRow(date.fromisoformat(day), *rest) for day, *rest in found]

"""The store: an SQLite database of the resources and the files of all accounts.

A write is committed before its method returns, and so before the response is sent. Commits are
inline, because a virtual clock would not wait for a thread. With a write-ahead log and a full sync,
one blocks the service for 0.3 to 1.4 ms in the median, and 99 of 100 for less than 8 to 15 ms; on a
disk that other processes keep busy, for 4 and 32 ms.

The store is bounded. It refuses more than 100,000 records, or more than 256 MiB of their fields; it
drops none, because a client was told that they exist.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import attrs

from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.store.failures import report_failures
from trio_cartesia.server.store.rows import RowList
from trio_cartesia.server.store.usage import UsageTable, storable

__all__ = ["Record", "Store", "StoreStatistics", "open_store"]

MAX_RECORDS: Final = 100_000
MAX_BYTES: Final = 256 * 1024 * 1024
FORMAT: Final = 1  # of the database: its user_version
SECRET_BYTES: Final = 32
TABLES: Final = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    parent TEXT NOT NULL,
    id TEXT NOT NULL,
    fields TEXT NOT NULL,
    UNIQUE (kind, account, id)
);
CREATE INDEX IF NOT EXISTS lists ON records (kind, account, parent, number);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    created_at TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    container TEXT NOT NULL,
    bit_rate INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    sample_rate INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS file_parts (
    file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    start INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (file, start)
);
CREATE TABLE IF NOT EXISTS links (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    expires_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS links_of_files ON links (file, number);
"""
INSERT_SALT: Final = "INSERT OR IGNORE INTO secrets VALUES ('accounts', ?)"
FIND_SALT: Final = "SELECT value FROM secrets WHERE name = 'accounts'"
INSERT: Final = "INSERT INTO records (kind, account, parent, id, fields) VALUES (?, ?, ?, ?, ?)"
LIST: Final = "records WHERE kind = ? AND account = ? AND parent = ?"
HAS: Final = f"SELECT EXISTS (SELECT 1 FROM {LIST} AND json_extract(fields, ?) = ?)"  # noqa: S608  # constants
FIND: Final = "SELECT id, parent, fields FROM records WHERE kind = ? AND account = ? AND id = ?"
UPDATE: Final = "UPDATE records SET fields = ? WHERE kind = ? AND account = ? AND id = ?"
DELETE: Final = (
    "DELETE FROM records WHERE account = ? AND ((kind = ? AND id = ?) OR parent = ?)"
    " RETURNING LENGTH(fields)"
)
FULL: Final = ErrorBody(
    status=507,
    title="Insufficient Storage",
    message="The local service stores no more resources. Delete some, or use another store.",
)


@attrs.frozen
class Record:
    """One resource of an account.

    Attributes:
        parent: The id of the resource that it belongs to; empty for none.
        text: The fields as JSON.
    """

    id: str
    parent: str
    text: str = attrs.field(repr=lambda text: f"<{len(text)} characters>")

    @property
    def fields(self) -> dict[str, Any]:
        """The fields, read anew each time."""
        fields: dict[str, Any] = json.loads(self.text)
        return fields


@attrs.frozen(kw_only=True)
class StoreStatistics:
    """The current size of a store.

    Attributes:
        held_bytes: The size of the fields of all records.
        usage_rows: The number of rows of usage.
    """

    records: int
    held_bytes: int
    usage_rows: int


@attrs.define(eq=False, repr=False)
class Store:
    """The resources of all accounts, each with a kind, an id and JSON fields.

    Every method raises `APIError` with status 500 if the database fails, and nothing is written.

    Attributes:
        usage: What was spoken.
        secret: The 32 random bytes that ids of accounts depend on; they stay with the file.
    """

    _database: sqlite3.Connection
    usage: UsageTable = attrs.field(init=False)
    secret: bytes = attrs.field(init=False)
    max_records: int = MAX_RECORDS
    max_bytes: int = MAX_BYTES
    _count: int = attrs.field(init=False)
    _held_bytes: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.usage = UsageTable(self._database)
        (self.secret,) = self._database.execute(FIND_SALT).fetchone()
        self._count, self._held_bytes = self._database.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(fields)), 0) FROM records"
        ).fetchone()

    def statistics(self) -> StoreStatistics:
        """Return the counters as they are now."""
        return StoreStatistics(
            records=self._count, held_bytes=self._held_bytes, usage_rows=len(self.usage)
        )

    def close(self) -> None:
        """Close the database, which other processes may use then."""
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of the block at its end, or none if it raises. Blocks do not nest."""
        before = self._count, self._held_bytes
        try:
            self.execute("BEGIN IMMEDIATE")
            yield
            self.execute("COMMIT")
        except BaseException:
            self._count, self._held_bytes = before
            if self._database.in_transaction:
                self.execute("ROLLBACK")
            raise

    def execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Return the rows of a statement, which is committed unless a transaction is open."""
        with report_failures():
            return self._database.execute(statement, values).fetchall()

    def add(
        self, kind: str, account: str, record_id: str, fields: Mapping[str, Any], parent: str = ""
    ) -> Record:
        """Add a record, whose id the kind and the account must not have yet.

        Raises:
            APIError: The store is full.
        """
        text = json.dumps(fields)
        self._check_room(1, len(text))
        self.execute(INSERT, (kind, account, parent, record_id, text))
        self._add_to_counts(1, len(text))
        return Record(record_id, parent, text)

    def find(self, kind: str, account: str, record_id: str) -> Record | None:
        """Return the record with that id; None if there is none."""
        rows = self.execute(FIND, (kind, account, storable(record_id)))
        return Record(*rows[0]) if rows else None

    def records(self, kind: str, account: str, parent: str = "") -> RowList[Record]:
        """Return the list of the records of a kind and a parent, oldest first."""
        return RowList(
            execute=self.execute,
            columns="id, parent, fields",
            rows=LIST,
            values=(kind, account, parent),
            make=Record,
        )

    def has(self, kind: str, account: str, field: str, value: str) -> bool:
        """Return whether a record of a kind, without a parent, has that value in a field."""
        values = (kind, account, "", f"$.{field}", storable(value))
        return bool(self.execute(HAS, values)[0][0])

    def replace(self, kind: str, account: str, record: Record, fields: Mapping[str, Any]) -> Record:
        """Replace the fields of *record*, which must be the newest version of it.

        Raises:
            APIError: The store is full.
        """
        text = json.dumps(fields)
        growth = len(text) - len(record.text)
        self._check_room(0, growth)
        self.execute(UPDATE, (text, kind, account, record.id))
        self._add_to_counts(0, growth)
        return attrs.evolve(record, text=text)

    def remove(self, kind: str, account: str, record: Record) -> None:
        """Remove *record*, and the records whose parent it is."""
        removed = self.execute(DELETE, (account, kind, record.id, record.id))
        self._add_to_counts(-len(removed), -sum(size for (size,) in removed))

    def _check_room(self, records: int, size: int) -> None:
        is_full = self._count + records > self.max_records
        if is_full or (size > 0 and self._held_bytes + size > self.max_bytes):
            raise APIError(FULL)

    def _add_to_counts(self, records: int, size: int) -> None:
        self._count += records
        self._held_bytes += size


def open_store(path: str | os.PathLike[str] | None) -> Store:
    """Open the store in the file *path*, which is made if needed; with None, one in memory.

    Raises:
        OSError: The file cannot be written, another process uses it, or it is not a store of this
            version. Its ``filename`` is *path*.
    """
    if path is None:
        return _open(":memory:")
    place = os.fspath(path)
    try:
        os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))  # it has the secret of accounts
        return _open(place)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            why = "another service uses this store: stop it, or choose another file"
            raise OSError(errno.EBUSY, why, place) from error
        raise OSError(errno.EIO, str(error), place) from error
    except sqlite3.DatabaseError as error:
        why = "this file is not a store of this version: choose another one"
        raise OSError(errno.EINVAL, why, place) from error


def _open(place: str) -> Store:
    database = sqlite3.connect(place, timeout=0, isolation_level=None)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if version != FORMAT and (version or tables):
            raise sqlite3.DatabaseError
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("BEGIN EXCLUSIVE")
        for statement in filter(str.strip, TABLES.split(";")):
            database.execute(statement)
        database.execute("DELETE FROM files WHERE size_bytes < 0")  # they were not complete
        database.execute(f"PRAGMA user_version = {FORMAT}")
        database.execute(INSERT_SALT, (secrets.token_bytes(SECRET_BYTES),))
        store = Store(database)
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return store

"""The manifest of a batch: an SQLite database of the items that have ended.

A file of audio is written under another name, and gets its own after the manifest has it as done.
So whatever ends the program, an item is done exactly if the manifest says so: `Manifest` renames
files that were written whole and not renamed when it is opened.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia.batch.items import Job
from trio_cartesia.batch.results import Result

__all__ = ["MANIFEST_NAME", "Manifest", "Record", "open_manifest"]

MANIFEST_NAME: Final = "manifest.sqlite"
FORMAT: Final = 1  # of the database: its user_version
TABLE: Final = """
CREATE TABLE IF NOT EXISTS items (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('begun', 'done', 'failed')),
    file_name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    duration_seconds REAL NOT NULL,
    reason TEXT NOT NULL,
    ended_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID
"""
SELECT: Final = (
    "SELECT id, fingerprint, state, file_name, size_bytes, duration_seconds, reason FROM items"
)
REPLACE: Final = (
    "REPLACE INTO items (id, fingerprint, state, file_name, size_bytes, duration_seconds, reason)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


@attrs.frozen
class Record:
    """A row of the manifest.

    Attributes:
        state: ``"begun"``, ``"done"`` or ``"failed"``.
        size_bytes: The size of the file if it is done.
    """

    id: str
    fingerprint: str
    state: str
    file_name: str
    size_bytes: int = 0
    duration_seconds: float = 0.0
    reason: str = ""


@attrs.define(eq=False)
class Manifest:
    """The manifest of one directory, which no other process may use at the same time.

    Its methods block, and may be called from any thread, one at a time.
    """

    _directory: Path
    _database: sqlite3.Connection
    _records: dict[str, Record] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for row in self._database.execute(SELECT):
            record = Record(*row)
            self._records[record.id] = record
            if record.state == "done":
                self._rename(record.file_name)

    def close(self) -> None:
        """Close the database, which other processes may use then."""
        self._database.close()

    def record_of(self, job: Job) -> Record | None:
        """Return how an earlier run ended *job*, with the same text and settings, or None.

        A file that was removed or changed in size since then does not count as done.
        """
        record = self._records.get(job.id)
        if record is None or record.fingerprint != job.fingerprint or record.state == "begun":
            return None
        if record.state == "done" and self._size(record.file_name) != record.size_bytes:
            return None
        return record

    def result_of(self, record: Record) -> Result:
        """Return *record*, which has ended, as the result of an earlier run."""
        if record.state == "failed":
            return Result(id=record.id, state="failed", reason=record.reason, is_earlier=True)
        return Result(
            id=record.id,
            state="done",
            path=self._directory / record.file_name,
            duration_seconds=record.duration_seconds,
            is_earlier=True,
        )

    def begin(self, jobs: Iterable[Job]) -> None:
        """Note that the files of *jobs* are this batch's to write.

        Raises:
            LocalProtocolError: There is a file of that name which no batch has written.
            OSError: The manifest cannot be written.
        """
        ours = {record.file_name for record in self._records.values()}
        begun = [Record(job.id, job.fingerprint, "begun", job.file_name) for job in jobs]
        for record in begun:
            path = self._directory / record.file_name
            if record.file_name not in ours and os.path.lexists(path):
                raise LocalProtocolError(
                    f"{path} exists and is not from this batch: remove it, "
                    "or choose another directory"
                )
        with _as_os_error(self._directory), self._database:
            self._database.executemany(REPLACE, map(attrs.astuple, begun))

    def fail(self, job: Job, reason: str) -> None:
        """Note that the service has refused *job*, and rename the file of its earlier text.

        Raises:
            OSError: The manifest cannot be written, or the file cannot be renamed.
        """
        path = self._directory / job.file_name
        with suppress(FileNotFoundError):  # before the note: what is refused has no file
            path.replace(path.with_name(job.replaced_name))
        self._write(Record(job.id, job.fingerprint, "failed", job.file_name, reason=reason))

    def finish(self, job: Job, *, size_bytes: int, duration_seconds: float) -> Path:
        """Note that *job* is done, give its file its name, and return its path.

        Raises:
            OSError: The manifest cannot be written, or the file cannot be renamed.
        """
        name = job.file_name
        self._write(Record(job.id, job.fingerprint, "done", name, size_bytes, duration_seconds))
        self._rename(name)
        return self._directory / name

    def _write(self, record: Record) -> None:
        with _as_os_error(self._directory), self._database:
            self._database.execute(REPLACE, attrs.astuple(record))

    def _rename(self, file_name: str) -> None:
        part = self._directory / f".{file_name}.part"
        if part.exists():
            part.replace(self._directory / file_name)

    def _size(self, file_name: str) -> int | None:
        try:
            return (self._directory / file_name).stat().st_size
        except FileNotFoundError:
            return None


def open_manifest(directory: Path) -> Manifest:
    """Open the manifest of *directory*, to be closed by the caller; both are made if needed.

    Raises:
        LocalProtocolError: Another process uses it, or it is not a manifest of this version.
        OSError: The directory or the manifest cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / MANIFEST_NAME
    with ExitStack() as closing:
        try:
            database = sqlite3.connect(path, timeout=0, check_same_thread=False)
            closing.callback(database.close)
            _prepare(database)
            manifest = Manifest(directory, database)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise LocalProtocolError(
                    f"another batch is running in {directory}: wait for it, "
                    "or choose another directory"
                ) from None
            raise OSError(errno.EIO, str(error), str(path)) from error
        except sqlite3.DatabaseError:
            raise LocalProtocolError(
                f"{path} is not a manifest of this version: choose another directory"
            ) from None
        closing.pop_all()
    return manifest


def _prepare(database: sqlite3.Connection) -> None:
    """Lock the database, and create the table.

    Raises:
        sqlite3.Error: It is locked, or is no manifest.
    """
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("PRAGMA synchronous = FULL")
    with database:
        database.execute("BEGIN EXCLUSIVE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError
        database.execute(TABLE)
        database.execute(f"PRAGMA user_version = {FORMAT}")


@contextmanager
def _as_os_error(directory: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        number = errno.ENOSPC if full else errno.EIO
        raise OSError(number, str(error), str(directory / MANIFEST_NAME)) from error

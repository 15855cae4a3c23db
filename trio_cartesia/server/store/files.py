"""The store of saved speech (protocol §3.1, §5.12).

A file is in memory while it is generated, and in the database of the store when it is complete.
A disk takes half a second to write or to erase 100 MB, so both are done in short steps, between
which other tasks run. Until a file is written, and once it is removed, its size in the database is
negative and it does not exist for clients; opening the store erases such a file.

The store is bounded: it drops the oldest files when there are more than 1,024, or more than 256
MiB. It does not keep a single file that is larger than that; the response that the file would
contain continues. A file has at most 100 links, of which the oldest is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import trio

from trio_cartesia.server.audio.containers import Audio, Part, finished
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.store.database import Store
from trio_cartesia.server.store.file_types import (
    COLUMNS,
    PART_BYTES,
    NewFile,
    StoredFile,
    stored_file,
)
from trio_cartesia.server.store.rows import RowList
from trio_cartesia.server.store.usage import storable

__all__ = ["FileStatistics", "FileStore"]

MAX_FILES: Final = 1024
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_LINKS: Final = 100  # of a file
LINK_BYTES: Final = 16  # random ones
STEP_PARTS: Final = 8  # written or erased at a time
INSERT: Final = (
    "INSERT INTO files"
    " (account, id, created_at, size_bytes, container, bit_rate, encoding, sample_rate)"
    " VALUES (?, ?, ?, -1, ?, ?, ?, ?)"
)
RESIZE: Final = "UPDATE files SET size_bytes = ? WHERE id = ?"
INSERT_PART: Final = "INSERT INTO file_parts VALUES (?, ?, ?)"
FIND: Final = f"SELECT {COLUMNS} FROM files WHERE id = ? AND account = ? AND size_bytes >= 0"  # noqa: S608  # constants
PART: Final = (
    "SELECT start, content FROM file_parts JOIN files ON files.id = file"
    " WHERE file = ? AND start <= ? AND size_bytes >= 0 ORDER BY start DESC LIMIT 1"
)
ERASE_PARTS: Final = (
    "DELETE FROM file_parts WHERE rowid IN"
    " (SELECT rowid FROM file_parts WHERE file = ? LIMIT ?) RETURNING start"
)
OLDEST: Final = f"SELECT {COLUMNS} FROM files WHERE size_bytes >= 0 ORDER BY number LIMIT 1"  # noqa: S608
INSERT_LINK: Final = "INSERT INTO links (id, file, expires_at) VALUES (?, ?, ?)"
TRIM_LINKS: Final = (
    "DELETE FROM links WHERE number IN"
    " (SELECT number FROM links WHERE file = ? ORDER BY number DESC LIMIT -1 OFFSET ?)"
)
FIND_LINK: Final = (
    f"SELECT {COLUMNS} FROM links JOIN files ON files.id = links.file"  # noqa: S608
    " WHERE links.id = ? AND links.expires_at > ? AND size_bytes >= 0"
)
NOT_FOUND: Final = ErrorBody(
    status=404, title="File not found", message="No file with that id is available to this account."
)
NO_LINK: Final = ErrorBody(
    status=404, title="Link not found", message="The link does not exist, or has expired."
)
NOT_READY: Final = ErrorBody(  # SDKs retry after 409 (protocol §1.7.5)
    status=409, title="File not ready", message="The file is still being generated."
)


@attrs.frozen(kw_only=True)
class FileStatistics:
    """The current size of a store, and the number of files dropped since the service started."""

    files: int
    held_bytes: int
    dropped_files: int


@attrs.define(eq=False, repr=False)
class FileStore:
    """The files of all accounts, which are given by their ids.

    Every method raises `APIError` with status 500 if the database fails.
    """

    _store: Store
    max_files: int = attrs.field(default=MAX_FILES, kw_only=True)
    max_bytes: int = attrs.field(default=MAX_FILE_BYTES, kw_only=True)
    _new: dict[str, NewFile] = attrs.field(factory=dict, init=False)
    _complete: int = attrs.field(init=False)
    _held_bytes: int = attrs.field(init=False)
    _dropped: int = attrs.field(default=0, init=False)
    _removed: list[str] = attrs.field(factory=list, init=False)  # ids of files to erase

    def __attrs_post_init__(self) -> None:
        [(self._complete, self._held_bytes)] = self._store.execute(
            "SELECT COUNT(*), COALESCE(SUM(size_bytes), 0) FROM files"
        )

    def statistics(self) -> FileStatistics:
        """Return the counters as they are now."""
        return FileStatistics(
            files=self._complete + len(self._new),
            held_bytes=self._held_bytes,
            dropped_files=self._dropped,
        )

    def begin(self, account: str, audio: Audio) -> NewFile:
        """Start a file, which `find` does not return before it is complete."""
        file = NewFile(account=account, audio=audio)
        self._make_room(added=1)
        self._new[file.id] = file
        return file

    def add(self, file: NewFile, part: bytes) -> None:
        """Append *part*, unless the file was dropped."""
        if file.id in self._new:
            file.add(part)
            self._held_bytes += len(part)
            self._make_room()
            self._erase_some()

    async def complete(self, file: NewFile) -> None:
        """Store a file, with the correct sizes in its header, unless it was dropped.

        Other tasks run meanwhile. If cancelled, or if the database fails, there is no such file.
        """
        if file.id in self._new:
            before = file.size_bytes
            file.parts = finished(file.audio, file.parts)
            self._held_bytes += file.size_bytes - before
            self._make_room()
        if file.id in self._new:
            await self._write(file)
        await self.erase_removed()

    async def _write(self, file: NewFile) -> None:
        self._insert(file)
        is_stored = False
        try:
            for step in _steps(file.parts):
                with self._store.transaction():
                    for position, content in step:
                        self._store.execute(INSERT_PART, (file.id, position, content))
                await trio.lowlevel.checkpoint()
                if file.id not in self._new:  # it was dropped
                    return
            self._store.execute(RESIZE, (file.size_bytes, file.id))
            is_stored = True
            del self._new[file.id]
            self._complete += 1
        finally:
            if not is_stored:
                self._removed.append(file.id)

    def discard(self, file: NewFile) -> None:
        """Drop a file that is not complete; a complete one stays."""
        if self._new.pop(file.id, None) is not None:
            self._held_bytes -= file.size_bytes
            file.parts = []

    def find(self, account: str, file_id: str) -> StoredFile:
        """Return the file with that id.

        Raises:
            APIError: The account has no such file, or it is not complete.
        """
        new = self._new.get(file_id)
        if new is not None and new.account == account:
            raise APIError(NOT_READY)
        rows = self._store.execute(FIND, (storable(file_id), account))
        if not rows:
            raise APIError(NOT_FOUND)
        return stored_file(*rows[0])

    def files_of(self, account: str) -> RowList[StoredFile]:
        """Return the list of the complete files of an account, oldest first."""
        return RowList(
            execute=self._store.execute,
            columns=COLUMNS,
            rows="files WHERE account = ? AND size_bytes >= 0",
            values=(account,),
            make=stored_file,
        )

    def read(self, file: StoredFile, wanted: range) -> Iterator[bytes]:
        """Yield the bytes of a range, in pieces of at most `PART_BYTES`.

        Raises:
            APIError: The file was deleted meanwhile.
        """
        position = wanted.start
        while position < wanted.stop:
            rows = self._store.execute(PART, (file.id, position))
            if not rows:
                raise APIError(NOT_FOUND)
            [(start, content)] = rows
            yield content[position - start : wanted.stop - start]
            position = start + len(content)

    def remove(self, file: StoredFile) -> None:
        """Remove a file and its links; `erase_removed` frees their space."""
        self._store.execute(RESIZE, (-1, file.id))
        self._removed.append(file.id)
        self._complete -= 1
        self._held_bytes -= file.size_bytes

    async def erase_removed(self) -> None:
        """Erase what is left of removed files, in steps; if cancelled, the next call goes on."""
        is_left = True
        while is_left:
            await trio.lowlevel.checkpoint()
            is_left = self._erase_some()

    def _erase_some(self) -> bool:
        """Erase a part of the removed files; return False if there is none."""
        if not self._removed:
            return False
        file_id = self._removed[0]
        with self._store.transaction():
            erased = self._store.execute(ERASE_PARTS, (file_id, STEP_PARTS))
            if len(erased) < STEP_PARTS:
                self._store.execute("DELETE FROM files WHERE id = ?", (file_id,))
        if len(erased) < STEP_PARTS:
            self._removed.remove(file_id)
        return True

    def add_link(self, file: StoredFile, expires_at: float) -> str:
        """Return the id of a new link, which is the only credential that it needs."""
        link = f"{file.id}.{secrets.token_urlsafe(LINK_BYTES)}"
        with self._store.transaction():
            self._store.execute(INSERT_LINK, (link, file.id, expires_at))
            self._store.execute(TRIM_LINKS, (file.id, MAX_LINKS))
        return link

    def find_link(self, link: str, now: float) -> StoredFile:
        """Return the file of a link.

        Raises:
            APIError: There is no such link, or it has expired.
        """
        rows = self._store.execute(FIND_LINK, (storable(link), now))
        if not rows:
            raise APIError(NO_LINK)
        return stored_file(*rows[0])

    def _make_room(self, added: int = 0) -> None:
        max_files = self.max_files - added
        while self.statistics().files > max_files or self._held_bytes > self.max_bytes:
            rows = self._store.execute(OLDEST)
            if rows:
                self.remove(stored_file(*rows[0]))
            else:
                self.discard(next(iter(self._new.values())))
            self._dropped += 1

    def _insert(self, file: NewFile) -> None:
        audio, created_at = file.audio, file.created_at.isoformat()
        columns = (audio.container, audio.bit_rate, *attrs.astuple(audio.samples))
        self._store.execute(INSERT, (file.account, file.id, created_at, *columns))


def _steps(parts: Sequence[Part]) -> Iterator[list[tuple[int, Part]]]:
    """Yield up to `STEP_PARTS` contents at a time, each with its position."""
    position, step = 0, list[tuple[int, Part]]()
    for part in parts:
        for start in range(0, len(part), PART_BYTES):
            content = part[start : start + PART_BYTES]
            step.append((position, content))
            position += len(content)
            if len(step) == STEP_PARTS:
                yield step
                step = []
    yield step

"""The store of saved speech (protocol §3.1, §5.12).

A file is in memory while it is generated, and in the database of the store when it is complete.

The store is bounded: it drops the oldest files when there are more than 1,024, or more than 256
MiB. It does not keep a single file that is larger than that; the response that the file would
contain continues. A file has at most 100 links, of which the oldest is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import Audio, Part, finished
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.store.database import Store
from trio_cartesia.server.store.rows import RowList
from trio_cartesia.server.store.usage import storable

__all__ = ["FileStatistics", "FileStore", "NewFile", "StoredFile"]

MAX_FILES: Final = 1024
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_LINKS: Final = 100  # of a file
LINK_BYTES: Final = 16  # random ones
PART_BYTES: Final = 64 * 1024
COLUMNS: Final = (
    "files.id, files.created_at, files.size_bytes,"
    " files.container, files.bit_rate, files.encoding, files.sample_rate"
)
INSERT: Final = (
    "INSERT INTO files"
    " (account, id, created_at, size_bytes, container, bit_rate, encoding, sample_rate)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_PART: Final = "INSERT INTO file_parts VALUES (?, ?, ?)"
FIND: Final = f"SELECT {COLUMNS} FROM files WHERE id = ? AND account = ?"  # noqa: S608  # constants
PART: Final = (
    "SELECT start, content FROM file_parts WHERE file = ? AND start <= ?"
    " ORDER BY start DESC LIMIT 1"
)
OLDEST: Final = f"SELECT {COLUMNS} FROM files ORDER BY number LIMIT 1"  # noqa: S608
INSERT_LINK: Final = "INSERT INTO links (id, file, expires_at) VALUES (?, ?, ?)"
TRIM_LINKS: Final = (
    "DELETE FROM links WHERE number IN"
    " (SELECT number FROM links WHERE file = ? ORDER BY number DESC LIMIT -1 OFFSET ?)"
)
FIND_LINK: Final = (
    f"SELECT {COLUMNS} FROM links JOIN files ON files.id = links.file"  # noqa: S608
    " WHERE links.id = ? AND links.expires_at > ?"
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
class StoredFile:
    """The metadata of a complete file.

    Attributes:
        audio: Its container and samples.
    """

    id: str
    created_at: datetime
    size_bytes: int
    audio: Audio

    def name(self, container: str) -> str:
        """Return its file name in that container."""
        return f"{self.id}.{container}"


@attrs.define(eq=False, kw_only=True, repr=False)
class NewFile:
    """A file that is being generated.

    Attributes:
        account: The id of its account.
        audio: Its container and samples.
        parts: Its contents, in pieces, so that no large object is copied at once.
    """

    account: str
    audio: Audio
    id: str = attrs.field(factory=lambda: f"file_{uuid4().hex}", init=False)
    created_at: datetime = attrs.field(factory=lambda: datetime.now(UTC), init=False)
    parts: list[Part] = attrs.field(factory=list, init=False)

    @property
    def size_bytes(self) -> int:
        """Its current size."""
        return sum(map(len, self.parts))

    def add(self, part: bytes) -> None:
        """Append *part*."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, bytearray) and len(last) < PART_BYTES:
            last += part  # an object per piece would take more memory than a very small piece
        else:
            self.parts.append(bytearray(part))


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

    def complete(self, file: NewFile) -> None:
        """Store a file, with the correct sizes in its header, unless it was dropped."""
        if file.id in self._new:
            before = file.size_bytes
            file.parts = finished(file.audio, file.parts)
            self._held_bytes += file.size_bytes - before
            self._make_room()
        if file.id in self._new:
            with self._store.transaction():
                self._insert(file)
            del self._new[file.id]
            self._complete += 1

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
        return _stored(*rows[0])

    def files_of(self, account: str) -> RowList[StoredFile]:
        """Return the list of the complete files of an account, oldest first."""
        return RowList(
            execute=self._store.execute,
            columns=COLUMNS,
            rows="files WHERE account = ?",
            values=(account,),
            make=_stored,
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
        """Remove a file and its links."""
        self._store.execute("DELETE FROM files WHERE id = ?", (file.id,))
        self._complete -= 1
        self._held_bytes -= file.size_bytes

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
        return _stored(*rows[0])

    def _make_room(self, added: int = 0) -> None:
        max_files = self.max_files - added
        while self.statistics().files > max_files or self._held_bytes > self.max_bytes:
            rows = self._store.execute(OLDEST)
            if rows:
                self.remove(_stored(*rows[0]))
            else:
                self.discard(next(iter(self._new.values())))
            self._dropped += 1

    def _insert(self, file: NewFile) -> None:
        audio, created_at = file.audio, file.created_at.isoformat()
        columns = (audio.container, audio.bit_rate, *attrs.astuple(audio.samples))
        values = (file.account, file.id, created_at, file.size_bytes, *columns)
        self._store.execute(INSERT, values)
        position = 0
        for part in file.parts:
            for start in range(0, len(part), PART_BYTES):
                content = part[start : start + PART_BYTES]
                self._store.execute(INSERT_PART, (file.id, position, content))
                position += len(content)


def _stored(
    file_id: str, created_at: str, size: int, container: str, bit_rate: int, *samples: Any
) -> StoredFile:
    encoding, sample_rate = samples
    layout = SampleFormat(encoding=encoding, sample_rate=sample_rate)
    return StoredFile(
        id=file_id,
        created_at=datetime.fromisoformat(created_at),
        size_bytes=size,
        audio=Audio(container=container, bit_rate=bit_rate, samples=layout),
    )

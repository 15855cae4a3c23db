"""The store of saved speech (protocol §3.1, §5.12).

The store is bounded: it drops the oldest files when there are more than 1,024, or more than 256
MiB. It does not keep a single file that is larger than that; the response that the file would
contain continues. A file has at most 100 links, of which the oldest is dropped.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import attrs

from trio_cartesia.server.access.plans import Account
from trio_cartesia.server.audio.containers import Audio, Part, finished
from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["FileStatistics", "FileStore", "StoredFile"]

MAX_FILES: Final = 1024
MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_LINKS: Final = 100  # of a file
LINK_BYTES: Final = 16  # random ones
PART_BYTES: Final = 64 * 1024
NOT_FOUND: Final = ErrorBody(
    status=404, title="File not found", message="No file with that id is available to this account."
)
NO_LINK: Final = ErrorBody(
    status=404, title="Link not found", message="The link does not exist, or has expired."
)
NOT_READY: Final = ErrorBody(  # SDKs retry after 409 (protocol §1.7.5)
    status=409, title="File not ready", message="The file is still being generated."
)


@attrs.define(eq=False, kw_only=True, repr=False)
class StoredFile:
    """One file.

    Attributes:
        audio: Its container and samples.
        parts: Its contents, in pieces, so that no large object is copied at once.
        is_complete: False while it is being generated.
    """

    account: Account
    audio: Audio
    id: str = attrs.field(factory=lambda: f"file_{uuid4().hex}", init=False)
    created_at: datetime = attrs.field(factory=lambda: datetime.now(UTC), init=False)
    parts: list[Part] = attrs.field(factory=list, init=False)
    is_complete: bool = attrs.field(default=False, init=False)
    _links: dict[str, float] = attrs.field(factory=dict, init=False)  # when they expire

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

    def add_link(self, expires_at: float) -> str:
        """Return the id of a new link, which is the only credential that it needs."""
        link = f"{self.id}.{secrets.token_urlsafe(LINK_BYTES)}"
        self._links[link] = expires_at
        if len(self._links) > MAX_LINKS:
            del self._links[next(iter(self._links))]
        return link

    def has_link(self, link: str, now: float) -> bool:
        """Return whether *link* is one of the file's, and has not expired."""
        return now < self._links.get(link, now)

    def name(self, container: str) -> str:
        """Return its file name in that container."""
        return f"{self.id}.{container}"


@attrs.frozen(kw_only=True)
class FileStatistics:
    """The current size of a store, and the number of files dropped since the service started."""

    files: int
    held_bytes: int
    dropped_files: int


@attrs.define(eq=False, repr=False, kw_only=True)
class FileStore:
    """The files of all accounts, oldest first."""

    max_files: int = MAX_FILES
    max_bytes: int = MAX_FILE_BYTES
    _files: dict[str, StoredFile] = attrs.field(factory=dict, init=False)
    _held: int = attrs.field(default=0, init=False)
    _dropped: int = attrs.field(default=0, init=False)

    def statistics(self) -> FileStatistics:
        """Return the counters as they are now."""
        return FileStatistics(
            files=len(self._files), held_bytes=self._held, dropped_files=self._dropped
        )

    def begin(self, account: Account, audio: Audio) -> StoredFile:
        """Start a file, which `find` does not return before it is complete."""
        file = StoredFile(account=account, audio=audio)
        self._files[file.id] = file
        self._make_room()
        return file

    def add(self, file: StoredFile, part: bytes) -> None:
        """Append *part* to an incomplete file, unless the file was dropped."""
        if file.id in self._files:
            file.add(part)
            self._held += len(part)
            self._make_room()

    def complete(self, file: StoredFile) -> None:
        """Mark a file as complete, with the correct sizes in its header."""
        if file.id in self._files:
            before = file.size_bytes
            file.parts = finished(file.audio, file.parts)
            file.is_complete = True
            self._held += file.size_bytes - before
            self._make_room()

    def discard(self, file: StoredFile) -> None:
        """Drop a file."""
        if self._files.pop(file.id, None) is not None:
            self._held -= file.size_bytes
            file.parts = []

    def find(self, account: Account, file_id: str) -> StoredFile:
        """Return the file with that id.

        Raises:
            APIError: The account has no such file, or it is not complete.
        """
        file = self._files.get(file_id)
        if file is None or file.account is not account:
            raise APIError(NOT_FOUND)
        if not file.is_complete:
            raise APIError(NOT_READY)
        return file

    def files_of(self, account: Account) -> list[StoredFile]:
        """Return the complete files of an account, oldest first."""
        files = self._files.values()
        return [file for file in files if file.account is account and file.is_complete]

    def find_link(self, link: str, now: float) -> StoredFile:
        """Return the file of a link.

        Raises:
            APIError: There is no such link, or it has expired.
        """
        file = self._files.get(link.partition(".")[0])
        if file is None or not file.has_link(link, now):
            raise APIError(NO_LINK)
        return file

    def _make_room(self) -> None:
        while len(self._files) > self.max_files or self._held > self.max_bytes:
            self._dropped += 1
            self.discard(next(iter(self._files.values())))

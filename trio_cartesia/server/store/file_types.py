"""A file of saved speech while it is generated, and when it is complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import Audio, Part

__all__ = ["COLUMNS", "PART_BYTES", "NewFile", "StoredFile", "stored_file"]

PART_BYTES: Final = 64 * 1024
COLUMNS: Final = (
    "files.id, files.created_at, files.size_bytes,"
    " files.container, files.bit_rate, files.encoding, files.sample_rate"
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


def stored_file(
    file_id: str, created_at: str, size: int, container: str, bit_rate: int, *samples: Any
) -> StoredFile:
    """Return the file of a row with `COLUMNS`."""
    encoding, sample_rate = samples
    layout = SampleFormat(encoding=encoding, sample_rate=sample_rate)
    return StoredFile(
        id=file_id,
        created_at=datetime.fromisoformat(created_at),
        size_bytes=size,
        audio=Audio(container=container, bit_rate=bit_rate, samples=layout),
    )

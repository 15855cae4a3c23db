"""The file of an item while it is written."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat

__all__ = ["AudioFile", "open_part"]


@attrs.define(eq=False)
class AudioFile:
    """Audio that is written to a file, whose header is right after `finish` alone.

    Attributes:
        size_bytes: The size of the audio so far.
        is_finished: Whether `finish` has returned.
    """

    _file: BufferedWriter
    sample_format: SampleFormat
    _has_header: bool
    size_bytes: int = attrs.field(default=0, init=False)
    is_finished: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._file.write(self._header())

    @property
    def duration_seconds(self) -> float:
        """The duration of the audio so far."""
        return self.sample_format.seconds(self.size_bytes)

    def write(self, audio: bytes) -> None:
        """Append whole frames.

        Raises:
            OSError: The disk is full, or the audio is too large for a WAV file.
        """
        self.size_bytes += len(audio)
        if self._has_header and self.size_bytes > self.sample_format.max_wav_bytes:
            raise OSError(errno.EFBIG, "a WAV file holds 4 GiB at most; raw audio has no limit")
        self._file.write(audio)

    def finish(self) -> int:
        """Complete the file, wait until the disk has it, and return the file's size.

        Raises:
            OSError: The disk is full, or failed.
        """
        if self._has_header:
            self._file.write(bytes(self.size_bytes % 2))
            self._file.seek(0)
            self._file.write(self._header())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.is_finished = True
        return os.fstat(self._file.fileno()).st_size

    def _header(self) -> bytes:
        return self.sample_format.wav_header(self.size_bytes) if self._has_header else b""


@contextmanager
def open_part(path: Path, sample_format: SampleFormat, *, raw: bool) -> Iterator[AudioFile]:
    """Open the file for the block, in place of an older one; remove it if it was not finished.

    Raises:
        OSError: It cannot be written.
    """
    with path.open("wb") as file:
        part = AudioFile(file, sample_format, not raw)
        try:
            yield part
        finally:
            if not part.is_finished:
                path.unlink(missing_ok=True)

"""Writers of raw and WAV audio to an open file.

A `WavFile` is valid after each write, so whatever ends the program, what was written can be played.
"""

from __future__ import annotations

import errno
import select
from contextlib import suppress
from io import FileIO
from typing import Protocol

import attrs

from trio_cartesia import SampleFormat

__all__ = ["AudioFile", "RawFile", "WavFile", "WavStream", "write_all"]


class AudioFile(Protocol):
    """A writer of whole frames.

    Attributes:
        data_bytes: The size of the audio written so far.
    """

    data_bytes: int

    def write(self, audio: bytes) -> None:
        """Append whole frames; raises OSError."""


@attrs.define(eq=False)
class RawFile:
    """Writes audio without a header."""

    _file: FileIO
    data_bytes: int = attrs.field(default=0, init=False)

    def write(self, audio: bytes) -> None:
        """Append whole frames."""
        write_all(self._file, audio)
        self.data_bytes += len(audio)


@attrs.define(eq=False)
class WavStream(RawFile):
    """Writes WAV to a file that cannot seek, such as a pipe; its header leaves the size open."""

    _format: SampleFormat

    def __attrs_post_init__(self) -> None:
        write_all(self._file, self._format.wav_header())


@attrs.define(eq=False)
class WavFile:
    """Writes WAV from the start of an unbuffered file that can seek."""

    _file: FileIO
    _format: SampleFormat
    data_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.write(b"")

    def write(self, audio: bytes) -> None:
        """Append whole frames.

        Raises:
            OSError: The write failed, or the file would exceed the size of a WAV file. It holds
                the audio of the writes before, and is valid.
        """
        grown = self.data_bytes + len(audio)
        if grown > self._format.max_wav_bytes:
            raise OSError(errno.EFBIG, "a WAV file holds 4 GiB at most; --raw has no limit")
        header = self._format.wav_header(grown)
        end = len(header) + self.data_bytes
        try:
            self._write_at(end, audio + bytes(grown % 2))
            self._write_at(0, header)
        except OSError:
            with suppress(OSError):
                self._file.truncate(end + self.data_bytes % 2)
            raise
        self.data_bytes = grown

    def _write_at(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        write_all(self._file, data)


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of *data* to an unbuffered file, which may take a part of it at a time."""
    rest = memoryview(data)
    while rest:
        written = file.write(rest)
        if written is None:  # a pipe that another program has made non-blocking
            select.select((), (file,), ())
        else:
            rest = rest[written:]

"""
WAV files that are whole at every moment: their sizes are right after each write.

Whatever ends the program, what was written until then can be played.
"""

from __future__ import annotations

import errno
import struct
from contextlib import suppress
from io import FileIO
from typing import Final

import attrs

from trio_cartesia import RawOutputFormat

__all__ = ["MOST_BYTES", "WavFile", "header", "write_all"]

FORMAT_TAGS: Final = {"pcm_s16le": 1, "pcm_f32le": 3, "pcm_alaw": 6, "pcm_mulaw": 7}
MOST_BYTES: Final = 2**32 - 256  # of samples: sizes have 32 bits, and count the headers too


def header(output_format: RawOutputFormat, data_bytes: int) -> bytes:
    """
    Return all that comes before the samples, in a file that has *data_bytes* of them.

    Its own length depends on the encoding alone.
    """
    layout = output_format.sample_format
    width, rate = layout.bytes_per_frame, output_format.sample_rate
    tag = FORMAT_TAGS[output_format.encoding]
    form = struct.pack("<HHIIHH", tag, 1, rate, rate * width, width, 8 * width)
    body = b"WAVE"
    if tag == FORMAT_TAGS["pcm_s16le"]:
        body += _chunk(b"fmt ", form)
    else:  # all others must say that there is no extension, and how many frames there are
        body += _chunk(b"fmt ", form + bytes(2))
        body += _chunk(b"fact", struct.pack("<I", layout.frames(data_bytes)))
    body += struct.pack("<4sI", b"data", data_bytes)
    return struct.pack("<4sI", b"RIFF", len(body) + data_bytes + data_bytes % 2) + body


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content


@attrs.define(eq=False)
class WavFile:
    """
    Writes a WAV file from the start of an unbuffered file that can seek.

    Attributes:
        data_bytes: How much audio it holds.
    """

    _file: FileIO
    _format: RawOutputFormat
    data_bytes: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.write(b"")

    def write(self, audio: bytes) -> None:
        """
        Append whole frames.

        Raises:
            OSError: They could not be written, or there is no room for more in a WAV file; what
                was written before is still whole.
        """
        grown = self.data_bytes + len(audio)
        if grown > MOST_BYTES:
            raise OSError(errno.EFBIG, "a WAV file holds 4 GiB at most; --raw has no limit")
        new_header = header(self._format, grown)
        end = len(new_header) + self.data_bytes
        try:
            self._put(end, audio + bytes(grown % 2))
            self._put(0, new_header)
        except OSError:
            with suppress(OSError):
                self._file.truncate(end + self.data_bytes % 2)
            raise
        self.data_bytes = grown

    def _put(self, position: int, data: bytes) -> None:
        self._file.seek(position)
        write_all(self._file, data)


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of *data*: an unbuffered file may take a part at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]

"""Reads WAV as it arrives: its format, and then its samples (protocol §6.2)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.audio import UNKNOWN_SIZE
from trio_cartesia._protocol.stt.audio import InputFormat, STTEncoding

__all__ = ["EMPTY", "WavReader"]

ENCODINGS: Final[Mapping[tuple[int, int], STTEncoding]] = {  # by format tag and bits a sample
    (1, 16): "pcm_s16le",
    (1, 32): "pcm_s32le",
    (3, 16): "pcm_f16le",
    (3, 32): "pcm_f32le",
    (6, 8): "pcm_alaw",
    (7, 8): "pcm_mulaw",
}
EXTENSIBLE: Final = 0xFFFE  # the tag is in the first two bytes of a GUID, whose rest is this
GUID_TAIL: Final = bytes.fromhex("000000001000800000aa00389b71")
FORMAT_BYTES: Final = (16, 4096)  # the least and the most of a "fmt " chunk
OPEN_SIZES: Final = (0, UNKNOWN_SIZE)  # of samples that were streamed: they go on to the end
FFMPEG: Final = "for example with `ffmpeg -i IN -ac 1 -c:a pcm_s16le OUT.wav`"
CONVERT: Final = f"convert it, {FFMPEG}"
NOT_WAV: Final = (
    "the recording is not a WAV file: samples without a header need encoding and sample_rate; "
    f"convert other files, {FFMPEG}"
)
EMPTY: Final = "the recording is empty: it has no samples"
CUT: Final = "the header of the WAV file is cut short or damaged: record or copy the file again"


@attrs.define(eq=False)
class WavReader:
    """Takes the bytes of a file in pieces of any size, and gives back its samples.

    It keeps no samples, and skips all chunks but the format and the samples.

    Attributes:
        input_format: The format; None until it was read.
        has_begun: True once the samples have begun, so that the format is known.
    """

    input_format: InputFormat | None = attrs.field(default=None, init=False)
    has_begun: bool = attrs.field(default=False, init=False)
    _held: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _is_wav: bool = attrs.field(default=False, init=False)
    _skipped: int = attrs.field(default=0, init=False)  # bytes that are still to be skipped
    _left: int | None = attrs.field(default=None, init=False)  # bytes of samples, if known

    def take(self, data: bytes) -> bytes:
        """Return the samples in the next piece of the file, which may end within a sample.

        Raises:
            LocalProtocolError: The file is not WAV, is damaged, or has a format that cannot be
                transcribed.
        """
        self._held += data
        if not self.has_begun and not self._read_header():
            return b""
        samples = bytes(self._held[: self._left])
        self._held.clear()
        if self._left is not None:
            self._left -= len(samples)
        return samples

    def finish(self) -> None:
        """End the file.

        Raises:
            LocalProtocolError: It has ended before its samples.
        """
        if not self.has_begun:
            raise LocalProtocolError(CUT if self._is_wav else NOT_WAV if self._held else EMPTY)

    def _read_header(self) -> bool:
        """Read as much of the header as is there; return whether the samples have begun."""
        held = self._held
        if not self._is_wav:
            if len(held) < 12:
                return False
            if held[:4] != b"RIFF" or held[8:12] != b"WAVE":
                raise LocalProtocolError(NOT_WAV)
            self._is_wav, self._skipped = True, 12
        while True:
            skipped = min(self._skipped, len(held))
            del held[:skipped]
            self._skipped -= skipped
            if self._skipped or len(held) < 8:
                return False
            name, size = struct.unpack_from("<4sI", held)
            if name == b"data":
                return self._begin(size)
            if name == b"fmt ":
                if not FORMAT_BYTES[0] <= size <= FORMAT_BYTES[1]:
                    raise LocalProtocolError(CUT)
                if len(held) < 8 + size:
                    return False
                self.input_format = _format_of(bytes(held[8 : 8 + size]))
            self._skipped = 8 + size + size % 2

    def _begin(self, size: int) -> bool:
        if self.input_format is None:
            raise LocalProtocolError(CUT)
        del self._held[:8]
        self.has_begun, self._left = True, None if size in OPEN_SIZES else size
        return True


def _format_of(chunk: bytes) -> InputFormat:
    tag, channels, sample_rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == EXTENSIBLE and chunk[26:40] == GUID_TAIL:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    if channels != 1:
        raise LocalProtocolError(
            f"the recording has {channels} channels, and only mono can be transcribed: {CONVERT}"
        )
    encoding = ENCODINGS.get((tag, bits))
    if encoding is None:
        raise LocalProtocolError(
            f"the recording has samples of {bits} bits in WAV format {tag}, which cannot be "
            f"transcribed: {CONVERT}"
        )
    if frame_bytes != bits // 8 or not sample_rate:
        raise LocalProtocolError(CUT)
    return InputFormat(encoding=encoding, sample_rate=sample_rate)

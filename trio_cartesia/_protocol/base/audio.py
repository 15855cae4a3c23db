"""Encodings and sample rates of raw speech, with conversions between bytes, frames and seconds.

Speech is mono, so a frame is one sample: 1, 2 or 4 bytes (protocol §6.1).
"""

from __future__ import annotations

import struct
from typing import Final, Literal, get_args

import attrs

from trio_cartesia._errors import LocalProtocolError

__all__ = ["ENCODINGS", "SAMPLE_RATES", "Encoding", "SampleFormat", "WholeFrames"]

Encoding = Literal["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"]

ENCODINGS: Final[tuple[str, ...]] = get_args(Encoding)
SAMPLE_RATES: Final = (8000, 16000, 22050, 24000, 44100, 48000)
BYTES_PER_FRAME: Final = {"pcm_f32le": 4, "pcm_s16le": 2, "pcm_mulaw": 1, "pcm_alaw": 1}
SILENCE: Final = {  # one frame of silence (protocol §6.1)
    "pcm_f32le": bytes(4),
    "pcm_s16le": bytes(2),
    "pcm_mulaw": b"\xff",
    "pcm_alaw": b"\xd5",
}


WAV_TAGS: Final = {"pcm_s16le": 1, "pcm_f32le": 3, "pcm_alaw": 6, "pcm_mulaw": 7}
UNKNOWN_SIZE: Final = 0xFFFFFFFF  # of a WAV that is streamed: players read to the end
MAX_WAV_BYTES: Final = 2**32 - 256  # of samples: sizes have 32 bits, and include the headers


@attrs.frozen(kw_only=True)
class SampleFormat:
    """The layout of the bytes of raw speech, with conversions between bytes and seconds.

    Attributes:
        encoding: One of `ENCODINGS`.
        sample_rate: Frames a second, one of `SAMPLE_RATES`.
    """

    encoding: Encoding
    sample_rate: int

    @property
    def bytes_per_frame(self) -> int:
        """The size of one frame."""
        return BYTES_PER_FRAME[self.encoding]

    @property
    def max_wav_bytes(self) -> int:
        """The size of the most audio that a WAV file can hold, a little less than 4 GiB."""
        return MAX_WAV_BYTES

    def seconds(self, size_bytes: int) -> float:
        """Return the duration of *size_bytes* of audio."""
        return size_bytes / (self.bytes_per_frame * self.sample_rate)

    def frames(self, size_bytes: int) -> int:
        """Return the number of whole frames in *size_bytes*."""
        return size_bytes // self.bytes_per_frame

    def silence(self, frames: int) -> bytes:
        """Return so many frames of silence (protocol §6.1)."""
        return SILENCE[self.encoding] * frames

    def whole_frames(self) -> WholeFrames:
        """Return a buffer that cuts a stream of audio at frame boundaries."""
        return WholeFrames(self.bytes_per_frame)

    def wav_header(self, size_bytes: int | None = None) -> bytes:
        """Return the header of a WAV file, which the samples follow (protocol §6.1).

        Its length depends on the encoding alone. A file with an odd number of bytes needs one more
        zero byte at its end.

        Args:
            size_bytes: The size of the audio, at most `max_wav_bytes`; None while it is unknown.

        Raises:
            LocalProtocolError: The audio is larger.
        """
        if size_bytes is not None and size_bytes > MAX_WAV_BYTES:
            raise LocalProtocolError(
                f"a WAV file holds at most {MAX_WAV_BYTES} bytes of audio, not {size_bytes}: "
                "write raw audio, or several files"
            )
        width, tag = self.bytes_per_frame, WAV_TAGS[self.encoding]
        layout = (tag, 1, self.sample_rate, self.sample_rate * width, width, 8 * width)
        if tag == WAV_TAGS["pcm_s16le"]:
            chunks = struct.pack("<4sIHHIIHH", b"fmt ", 16, *layout)
        else:  # all others have an extension, which is empty, and count their frames
            frames = UNKNOWN_SIZE if size_bytes is None else self.frames(size_bytes)
            chunks = struct.pack("<4sIHHIIHHH", b"fmt ", 18, *layout, 0)
            chunks += struct.pack("<4sII", b"fact", 4, frames)
        data, riff = UNKNOWN_SIZE, UNKNOWN_SIZE
        if size_bytes is not None:
            data, riff = size_bytes, 4 + len(chunks) + 8 + size_bytes + size_bytes % 2
        return b"".join(
            (
                struct.pack("<4sI4s", b"RIFF", riff, b"WAVE"),
                chunks,
                struct.pack("<4sI", b"data", data),
            )
        )


@attrs.define
class WholeFrames:
    """A buffer that cuts a stream of bytes at frame boundaries.

    The protocol does not promise that chunks end with a whole frame (protocol §2.3), so the rest
    of a chunk is kept for the next one.
    """

    bytes_per_frame: int
    _rest: bytes = attrs.field(default=b"", init=False)

    def take(self, data: bytes) -> bytes:
        """Return all whole frames of the kept bytes and *data*; keep the rest."""
        whole, self._rest = self._split(data)
        return whole

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the whole frames of the kept bytes and *data*, and the rest; change nothing."""
        if not self._rest and not len(data) % self.bytes_per_frame:
            return data, b""
        data = self._rest + data
        end = len(data) - len(data) % self.bytes_per_frame
        return data[:end], data[end:]

"""
Encodings and sample rates of raw speech, and the arithmetic between bytes, frames and seconds.

Speech is mono, so a frame is one sample: 1, 2 or 4 bytes (protocol §6.1).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import attrs

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


@attrs.frozen(kw_only=True)
class SampleFormat:
    """
    The layout of the bytes of raw speech.

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

    def seconds(self, size_bytes: int) -> float:
        """Return the duration of *size_bytes* of audio."""
        return size_bytes / (self.bytes_per_frame * self.sample_rate)

    def frames(self, size_bytes: int) -> int:
        """Return the number of whole frames in *size_bytes*."""
        return size_bytes // self.bytes_per_frame


@attrs.define
class WholeFrames:
    """
    Cuts a stream of bytes at frame boundaries.

    The service does not promise that chunks end at a frame's end (protocol §2.3), so the start of
    a frame at the end of a chunk is kept for the next one.
    """

    bytes_per_frame: int
    _rest: bytes = attrs.field(default=b"", init=False)

    def take(self, data: bytes) -> bytes:
        """Return all whole frames of the kept bytes and *data*; keep the rest."""
        if not self._rest and not len(data) % self.bytes_per_frame:
            return data
        data = self._rest + data
        end = len(data) - len(data) % self.bytes_per_frame
        self._rest = data[end:]
        return data[:end]

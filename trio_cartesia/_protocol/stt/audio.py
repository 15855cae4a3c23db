"""The layout of the audio of a session, and how audio is cut for it (protocol §4.2, §6.2).

Speech is mono, and leaves in whole samples. `PIECE_SECONDS` of it a message are recommended.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, get_args

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = [
    "PIECE_SECONDS",
    "STT_ENCODINGS",
    "AudioPieces",
    "InputFormat",
    "STTEncoding",
    "raw_format",
]

PIECE_SECONDS: Final = 0.1

STTEncoding = Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
STT_ENCODINGS: Final[tuple[str, ...]] = get_args(STTEncoding)

_SILENCE: Final = {  # one sample; of G.711, zeros would be loud
    "pcm_s16le": bytes(2),
    "pcm_s32le": bytes(4),
    "pcm_f16le": bytes(2),
    "pcm_f32le": bytes(4),
    "pcm_mulaw": b"\xff",
    "pcm_alaw": b"\xd5",
}


@attrs.frozen(kw_only=True)
class InputFormat:
    """The layout of raw audio that is sent to the service.

    Attributes:
        encoding: One of `STT_ENCODINGS`.
        sample_rate: Samples a second, any positive number; 16000 is recommended.

    Raises:
        LocalProtocolError: The encoding is not among these, or the rate is not positive.
    """

    encoding: STTEncoding = attrs.field(validator=checks.one_of(STT_ENCODINGS))
    sample_rate: int = attrs.field()

    @sample_rate.validator
    def _check_sample_rate(self, field: attrs.Attribute[int], value: object) -> None:
        checks.positive_whole(value, field.name)

    @property
    def bytes_per_sample(self) -> int:
        """The size of one sample."""
        return len(_SILENCE[self.encoding])

    @property
    def piece_bytes(self) -> int:
        """The size of `PIECE_SECONDS` of audio, in whole samples."""
        return max(1, round(self.sample_rate * PIECE_SECONDS)) * self.bytes_per_sample

    def seconds(self, size_bytes: int) -> float:
        """Return the duration of *size_bytes* of audio."""
        return size_bytes / (self.bytes_per_sample * self.sample_rate)

    def silence(self, size_bytes: int) -> bytes:
        """Return so many bytes of silence, in whole samples."""
        return _SILENCE[self.encoding] * (size_bytes // self.bytes_per_sample)


def raw_format(encoding: STTEncoding | None, sample_rate: int | None) -> InputFormat | None:
    """Return the layout of samples without a header, or None where neither is given.

    Raises:
        LocalProtocolError: Only one of them is given, or one is not valid.
    """
    if encoding is None and sample_rate is None:
        return None
    if encoding is None or sample_rate is None:
        raise LocalProtocolError("samples without a header need encoding and sample_rate")
    return InputFormat(encoding=encoding, sample_rate=sample_rate)


@attrs.define(eq=False)
class AudioPieces:
    """Cuts a stream of bytes into pieces of one size, however it is cut itself.

    Attributes:
        piece_bytes: The size of a piece.
    """

    piece_bytes: int
    _rest: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    def cut(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Yield the whole pieces of what is kept and *data*; keep the rest."""
        self._rest += data
        while len(self._rest) >= self.piece_bytes:
            piece = bytes(self._rest[: self.piece_bytes])
            del self._rest[: self.piece_bytes]
            yield piece

    def take_rest(self) -> bytes:
        """Return what is kept, and keep nothing."""
        rest, self._rest = bytes(self._rest), bytearray()
        return rest

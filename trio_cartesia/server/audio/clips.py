"""Audio that clients upload: WAV, MP3, FLAC and Ogg Vorbis, decoded as it is read.

miniaudio decodes it, which the extra ``local`` installs.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from itertools import chain
from typing import Final

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.encodings import encode, to_wire
from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["decode", "decode_to", "samples_of"]

FRAMES: Final = 1024  # at a time: decoding them takes well below a millisecond
UNSUPPORTED: Final = ErrorBody(  # protocol §1.7.1
    status=400,
    title="Unsupported audio format",
    message="The audio must be a WAV, MP3, FLAC or Ogg Vorbis file, and have sound.",
    code="unsupported_audio_format",
)
MISSING: Final = ErrorBody(
    status=501,
    title="Audio files need trio-cartesia[local]",
    message="This local service cannot decode audio; pip install 'trio-cartesia[local]' lets it.",
)


def samples_of(clip: bytes) -> bytes:
    """Return the samples in a WAV file, as they are; of any other clip, return all bytes."""
    if clip[:4] != b"RIFF" or clip[8:12] != b"WAVE":
        return clip
    start = 12
    while start + 8 <= len(clip):
        name, size = struct.unpack_from("<4sI", clip, start)
        start += 8
        if name == b"data":  # with an unknown size, to the end
            return clip[start : start + size]
        start += size + size % 2
    return clip


def decode(clip: bytes, sample_rate: int) -> Iterator[array[int]]:
    """Return an iterator over the samples of *clip*: 16 bits, mono, at most `FRAMES` at a time.

    Each step blocks for less than a millisecond.

    Raises:
        APIError: The clip is in no known format or has no sound, or the extra is not installed.
    """
    pieces = _decode(clip, sample_rate)
    first = next(pieces, None)
    if first is None:
        raise APIError(UNSUPPORTED)
    return chain([first], pieces)


def decode_to(clip: bytes, output: SampleFormat) -> Iterator[bytes]:
    """Like `decode`, with the samples as bytes in a format of the wire."""
    pieces = decode(clip, output.sample_rate)  # raises here, and not at the first step
    return (encode(to_wire(piece), output.encoding) for piece in pieces)


def _decode(clip: bytes, sample_rate: int) -> Iterator[array[int]]:
    try:
        import miniaudio  # here, since it is an extra
    except ImportError as error:
        raise APIError(MISSING) from error
    try:
        yield from miniaudio.stream_memory(
            clip,
            output_format=miniaudio.SampleFormat.SIGNED16,
            nchannels=1,
            sample_rate=sample_rate,
            frames_to_read=FRAMES,
        )
    except miniaudio.MiniaudioError as error:
        raise APIError(UNSUPPORTED) from error

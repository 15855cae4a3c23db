"""What is around the audio of `/tts/bytes`: nothing, a WAV header or MP3 (protocol §3.1, §6.1)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.mp3 import Mp3Encoder

__all__ = ["Audio", "Container", "finished", "playable"]

UNKNOWN: Final = 0xFFFFFFFF  # every size in the header of a WAV that is still being made
FORMAT_TAGS: Final = {"pcm_s16le": 1, "pcm_f32le": 3, "pcm_alaw": 6, "pcm_mulaw": 7}
KINDS: Final = {  # protocol §3.1: the real ones are not known; these are what players want
    "raw": "application/octet-stream",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}
Part = bytes | bytearray


class Container(Protocol):
    """Turns the audio of one answer, piece by piece, into what is sent."""

    def add(self, audio: bytes) -> bytes:
        """Return what is to be sent for *audio*, which may be nothing yet."""

    def end(self) -> bytes:
        """Return what comes last."""


@attrs.frozen(kw_only=True)
class Audio:
    """The ``output_format`` of a request for bytes.

    Attributes:
        container: ``raw``, ``wav`` or ``mp3``.
        samples: What the container holds; for MP3, what is encoded.
        bit_rate: Bits a second of MP3, as they were asked for.
    """

    container: str
    samples: SampleFormat
    bit_rate: int = 0

    @property
    def kind(self) -> str:
        """The content type."""
        return KINDS[self.container]

    def open(self) -> Container:
        """Begin such a container.

        Raises:
            APIError: There is no MP3 here.
        """
        if self.container == "mp3":
            return Mp3Encoder(sample_rate=self.samples.sample_rate, bit_rate=self.bit_rate)
        return _Plain(wav_header(self.samples) if self.container == "wav" else b"")


@attrs.define(eq=False)
class _Plain:
    """Audio as it is, behind a header that may be empty."""

    _header: bytes

    def add(self, audio: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + audio

    def end(self) -> bytes:
        return self.add(b"")


def wav_header(samples: SampleFormat, size_bytes: int | None = None) -> bytes:
    """Return what stands before the audio in a WAV.

    Args:
        samples: How the audio is laid out.
        size_bytes: How much audio there is; None if nobody knows yet.
    """
    width = samples.bytes_per_frame
    tag = FORMAT_TAGS[samples.encoding]
    layout = (tag, 1, samples.sample_rate, samples.sample_rate * width, width, 8 * width)
    if tag == 1:
        chunks = struct.pack("<4sIHHIIHH", b"fmt ", 16, *layout)
    else:  # all but PCM say that nothing is added to the format, and how many frames there are
        chunks = struct.pack("<4sIHHIIHHH", b"fmt ", 18, *layout, 0)
        frames = UNKNOWN if size_bytes is None else samples.frames(size_bytes)
        chunks += struct.pack("<4sII", b"fact", 4, frames)
    if size_bytes is None:
        whole = size_bytes = UNKNOWN
    else:
        whole = 4 + len(chunks) + 8 + size_bytes + size_bytes % 2
    riff, data = (b"RIFF", whole, b"WAVE"), (b"data", size_bytes)
    return struct.pack("<4sI4s", *riff) + chunks + struct.pack("<4sI", *data)


def finished(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* that were sent as a file: sizes that nobody knew at first are right."""
    if audio.container != "wav":
        return list(parts)
    first, *rest = parts
    header = len(wav_header(audio.samples))
    return _wav(audio.samples, [first[header:], *rest])


def playable(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* of a finished file as players want them: raw audio gets a header."""
    return _wav(audio.samples, parts) if audio.container == "raw" else list(parts)


def _wav(samples: SampleFormat, parts: Sequence[Part]) -> list[Part]:
    size = sum(map(len, parts))
    return [wav_header(samples, size), *parts, bytes(size % 2)]

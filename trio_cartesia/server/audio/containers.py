"""The containers of `/tts/bytes`: raw samples, WAV and MP3 (protocol §3.1, §6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.mp3 import Mp3Encoder

__all__ = ["Audio", "Container", "finished", "playable", "wav_ends"]

KINDS: Final = {  # protocol §3.1: the real types are not known; players recognise these
    "raw": "application/octet-stream",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
}
Part = bytes | bytearray


class Container(Protocol):
    """Encodes the audio of one response, piece by piece."""

    def add(self, audio: bytes) -> bytes:
        """Return the bytes that *audio* completes; they may be empty."""

    def end(self) -> bytes:
        """Return the remaining bytes."""


@attrs.frozen(kw_only=True)
class Audio:
    """The ``output_format`` of a request for bytes.

    Attributes:
        container: ``raw``, ``wav`` or ``mp3``.
        samples: The layout of the samples in the container; for MP3, before encoding.
        bit_rate: The requested bits per second of MP3; 0 for other containers.
    """

    container: str
    samples: SampleFormat
    bit_rate: int = 0

    @property
    def kind(self) -> str:
        """The content type."""
        return KINDS[self.container]

    def open(self) -> Container:
        """Return a new, empty container.

        Raises:
            APIError: It is ``mp3``, and the MP3 encoder is not installed.
        """
        if self.container == "mp3":
            return Mp3Encoder(sample_rate=self.samples.sample_rate, bit_rate=self.bit_rate)
        return _Plain(self.samples.wav_header() if self.container == "wav" else b"")


@attrs.define(eq=False)
class _Plain:
    """A header, which may be empty, followed by the unchanged audio."""

    _header: bytes

    def add(self, audio: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + audio

    def end(self) -> bytes:
        return self.add(b"")


def finished(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* of a response as a complete file, with the correct sizes in its header."""
    if audio.container != "wav":
        return list(parts)
    first, *rest = parts
    header = len(audio.samples.wav_header())
    return _wav(audio.samples, [first[header:], *rest])


def playable(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* of a complete file in a form that players support: raw audio as WAV."""
    return _wav(audio.samples, parts) if audio.container == "raw" else list(parts)


def wav_ends(samples: SampleFormat, size: int) -> tuple[bytes, bytes]:
    """Return what comes before and after *size* bytes of samples in a WAV file."""
    return samples.wav_header(size), bytes(size % 2)


def _wav(samples: SampleFormat, parts: Sequence[Part]) -> list[Part]:
    header, padding = wav_ends(samples, sum(map(len, parts)))
    return [header, *parts, padding]

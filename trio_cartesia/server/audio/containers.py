"""What is around the audio of `/tts/bytes`: nothing, a WAV header or MP3 (protocol §3.1, §6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.mp3 import Mp3Encoder

__all__ = ["Audio", "Container", "finished", "playable"]

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
        return _Plain(self.samples.wav_header() if self.container == "wav" else b"")


@attrs.define(eq=False)
class _Plain:
    """Audio as it is, behind a header that may be empty."""

    _header: bytes

    def add(self, audio: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + audio

    def end(self) -> bytes:
        return self.add(b"")


def finished(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* that were sent as a file: sizes that nobody knew at first are right."""
    if audio.container != "wav":
        return list(parts)
    first, *rest = parts
    header = len(audio.samples.wav_header())
    return _wav(audio.samples, [first[header:], *rest])


def playable(audio: Audio, parts: Sequence[Part]) -> list[Part]:
    """Return the *parts* of a finished file as players want them: raw audio gets a header."""
    return _wav(audio.samples, parts) if audio.container == "raw" else list(parts)


def _wav(samples: SampleFormat, parts: Sequence[Part]) -> list[Part]:
    size = sum(map(len, parts))
    return [samples.wav_header(size), *parts, bytes(size % 2)]

"""Encode MP3 piece by piece, with LAME, which the extra ``local`` installs.

Not every bit rate exists at every sample rate: the highest is 64 kbit/s up to 12 kHz, and 160
kbit/s up to 24 kHz. The protocol allows all five bit rates at all six sample rates (protocol §3.1),
so the service accepts a higher one and uses the highest that exists.
"""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.messages.errors import APIError, ErrorBody

__all__ = ["Mp3Encoder", "possible_bit_rate"]

HIGHEST: Final = ((12_000, 64_000), (24_000, 160_000))  # sample rate up to, bits a second
EFFORT: Final = 5  # LAME's own default for speed against quality, of 0 (slow) to 9
SHORTEST_SECONDS: Final = 0.1
MISSING: Final = ErrorBody(
    status=501,
    title="MP3 needs trio-cartesia[local]",
    message="This local service has no MP3 encoder; pip install 'trio-cartesia[local]' brings one.",
)


def possible_bit_rate(bit_rate: int, sample_rate: int) -> int:
    """Return *bit_rate*, or the highest one that exists at *sample_rate*."""
    limits = (most for up_to, most in HIGHEST if sample_rate <= up_to)
    return min(bit_rate, next(limits, bit_rate))


class Mp3Encoder:
    """One MP3 stream of a constant bit rate.

    Encoding 16 KiB of samples takes about 1 ms. The stream has no header and no trailer, so players
    can play the beginning of an incomplete one. As always with MP3, up to 2,304 samples of silence
    are added.
    """

    def __init__(self, *, sample_rate: int, bit_rate: int) -> None:
        """Begin the stream.

        Raises:
            APIError: The extra is not installed.
        """
        try:
            from lameenc import Encoder  # here, since it is an extra
        except ImportError as error:
            raise APIError(MISSING) from error
        self._sample_rate = sample_rate
        self._has_audio = False
        self._lame = Encoder()
        self._lame.silence()  # otherwise it writes to stderr
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(sample_rate)
        self._lame.set_out_sample_rate(sample_rate)  # it would resample at low bit rates
        self._lame.set_bit_rate(possible_bit_rate(bit_rate, sample_rate) // 1000)
        self._lame.set_quality(EFFORT)

    def add(self, audio: bytes) -> bytes:
        """Encode mono ``pcm_s16le``, and return the completed frames; there may be none."""
        self._has_audio = True
        return bytes(self._lame.encode(audio))

    def end(self) -> bytes:
        """Return the remaining frames.

        A stream without audio gets a short silence, because players reject an empty one.
        """
        silence = 0 if self._has_audio else round(SHORTEST_SECONDS * self._sample_rate)
        return self.add(bytes(2 * silence)) + bytes(self._lame.flush())

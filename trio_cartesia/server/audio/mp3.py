"""MP3 as it is made, piece by piece. LAME does the work, and comes with the extra ``local``.

MP3 has three bands of sample rates, and not every bit rate exists in each: at 12 kHz and below LAME
goes up to 64 kbit/s, at 24 kHz and below to 160. The protocol allows all five bit rates at all six
sample rates (protocol §3.1), so a higher one is accepted and the highest that there is delivered.
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
    """Return the bit rate that is delivered where *bit_rate* is asked for."""
    limits = (most for up_to, most in HIGHEST if sample_rate <= up_to)
    return min(bit_rate, next(limits, bit_rate))


class Mp3Encoder:
    """One MP3 stream of a constant bit rate.

    A chunk of 16 KiB takes about 1 ms. There is no header and no trailer, so a stream that was cut
    plays as far as it goes. As always with MP3, up to 2,304 samples of silence are added.
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
        self._lame.silence()  # it would talk to stderr
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(sample_rate)
        self._lame.set_out_sample_rate(sample_rate)  # it would resample at low bit rates
        self._lame.set_bit_rate(possible_bit_rate(bit_rate, sample_rate) // 1000)
        self._lame.set_quality(EFFORT)

    def add(self, audio: bytes) -> bytes:
        """Return what *audio*, mono ``pcm_s16le``, completes; that may be nothing."""
        self._has_audio = True
        return bytes(self._lame.encode(audio))

    def end(self) -> bytes:
        """Return the rest. A stream without audio gets a little silence, to be one that players
        know.
        """
        silence = 0 if self._has_audio else round(SHORTEST_SECONDS * self._sample_rate)
        return self.add(bytes(2 * silence)) + bytes(self._lame.flush())

"""Telephone audio as linear samples."""

from __future__ import annotations

import array
import sys

import pytest

from trio_cartesia._protocol.base.audio import SILENCE
from trio_cartesia.playback.g711 import decode_alaw, decode_mulaw
from trio_cartesia.server.audio.encodings import encode

CODES = bytes(range(256))
DECODERS = {"pcm_mulaw": decode_mulaw, "pcm_alaw": decode_alaw}


@pytest.mark.parametrize("encoding", DECODERS)
def test_each_code_is_the_sample_that_is_encoded_as_it(encoding):
    """Encoding what was decoded gives the code back; mu-law has two for silence."""
    codes = CODES.replace(b"\x7f", b"\xff") if encoding == "pcm_mulaw" else CODES
    assert encode(DECODERS[encoding](CODES), encoding) == codes
    assert DECODERS[encoding](SILENCE[encoding]) in (bytes(2), b"\x08\x00")


@pytest.mark.parametrize(
    ("encoding", "codes", "samples"),
    [
        ("pcm_mulaw", "00 0f 7f 80 ff", [-32124, -16764, 0, 32124, 0]),
        ("pcm_alaw", "2a aa 55 d5 00", [-32256, 32256, -8, 8, -5504]),
    ],
)
def test_codes_of_the_standard(encoding, codes, samples):
    """The ends and the middle of the tables are those of ITU-T G.711."""
    decoded = array.array("h", DECODERS[encoding](bytes.fromhex(codes)))
    if sys.byteorder == "big":
        decoded.byteswap()
    assert list(decoded) == samples

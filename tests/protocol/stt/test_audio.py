"""Audio on its way to the service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.stt.audio import STT_ENCODINGS, AudioPieces, InputFormat

formats = st.builds(
    InputFormat, encoding=st.sampled_from(STT_ENCODINGS), sample_rate=st.integers(1, 96_000)
)


@given(st.lists(st.binary(max_size=20)), st.integers(1, 16))
def test_pieces_have_one_size_and_lose_nothing(chunks, piece_bytes):
    """However audio is cut, it leaves in pieces of one size and a rest, in its order."""
    pieces = AudioPieces(piece_bytes)
    cut = [piece for chunk in chunks for piece in pieces.cut(chunk)]
    assert all(len(piece) == piece_bytes for piece in cut)
    rest = pieces.take_rest()
    assert len(rest) < piece_bytes
    assert b"".join([*cut, rest]) == b"".join(chunks)
    assert pieces.take_rest() == b""


@given(formats)
def test_a_piece_is_100_ms_of_whole_samples(layout):
    """A piece has whole samples, at least one, and lasts 100 ms to the nearest sample."""
    samples, rest = divmod(layout.piece_bytes, layout.bytes_per_sample)
    assert rest == 0
    assert samples >= 1
    assert abs(samples - layout.sample_rate / 10) <= 1
    assert layout.seconds(layout.piece_bytes) == pytest.approx(samples / layout.sample_rate)


@given(formats, st.integers(0, 1000))
def test_silence_is_the_quietest_sample_of_the_encoding(layout, samples):
    """Silence is zeros, but 0xFF in mu-law and 0xD5 in A-law (protocol §4.2)."""
    silence = layout.silence(samples * layout.bytes_per_sample)
    quiet = {"pcm_mulaw": 0xFF, "pcm_alaw": 0xD5}.get(layout.encoding, 0)
    assert silence == bytes([quiet]) * (samples * layout.bytes_per_sample)


def test_the_sizes_of_the_protocol():
    """100 ms at 16 kHz are 3200 bytes of s16, 6400 of f32 and 1600 of G.711 (protocol §6.2)."""
    sizes = {"pcm_s16le": 3200, "pcm_f16le": 3200, "pcm_f32le": 6400, "pcm_s32le": 6400}
    for encoding in STT_ENCODINGS:
        layout = InputFormat(encoding=encoding, sample_rate=16000)
        assert layout.piece_bytes == sizes.get(encoding, 1600)


@pytest.mark.parametrize(("encoding", "rate"), [("mp3", 16000), ("pcm_s16le", 0), (None, 8000)])
def test_other_layouts_are_refused(encoding, rate):
    """An encoding or rate that cannot be is refused, and the error says which are allowed."""
    with pytest.raises(LocalProtocolError, match="must be"):
        InputFormat(encoding=encoding, sample_rate=rate)

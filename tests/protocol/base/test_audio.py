"""Bytes, frames and seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import RawOutputFormat
from trio_cartesia._protocol.base.audio import SAMPLE_RATES, SILENCE, SampleFormat, WholeFrames

WIDTHS = {"pcm_f32le": 4, "pcm_s16le": 2, "pcm_mulaw": 1, "pcm_alaw": 1}  # protocol §6.1


@pytest.mark.parametrize(("encoding", "width"), WIDTHS.items())
@given(frames=st.integers(0, 10**6), rest=st.integers(0, 3), rate=st.sampled_from(SAMPLE_RATES))
def test_bytes_frames_and_seconds_are_the_same_length(encoding, width, frames, rest, rate):
    """
    In every encoding, so many bytes are so many frames, and so many seconds.
    """
    layout = RawOutputFormat(encoding=encoding, sample_rate=rate).sample_format
    assert layout == SampleFormat(encoding=encoding, sample_rate=rate)
    assert layout.bytes_per_frame == width
    assert layout.frames(frames * width + rest % width) == frames
    assert layout.seconds(frames * width) == pytest.approx(frames / rate)


def test_silence_is_one_frame_of_nothing():
    """
    Silence is zero in linear encodings, and the code of zero in the others (protocol §6.1).
    """
    assert SILENCE == {
        "pcm_f32le": b"\0\0\0\0",
        "pcm_s16le": b"\0\0",
        "pcm_mulaw": b"\xff",
        "pcm_alaw": b"\xd5",
    }


@given(pieces=st.lists(st.binary(max_size=9)), width=st.sampled_from([1, 2, 4]))
def test_frames_stay_whole_however_they_are_cut(pieces, width):
    """
    Whatever the pieces, what comes out of them is whole frames, in order, and none is held back.
    """
    cutter = WholeFrames(width)
    taken = [cutter.take(piece) for piece in pieces]
    given_bytes = b"".join(pieces)
    assert not any(len(part) % width for part in taken)
    assert b"".join(taken) == given_bytes[: len(given_bytes) // width * width]

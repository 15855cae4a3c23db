"""Bytes, frames and seconds, and the header of a WAV file."""

from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.support import TAGS, read_wav
from trio_cartesia import LocalProtocolError, RawOutputFormat
from trio_cartesia._protocol.base.audio import (
    SAMPLE_RATES,
    SILENCE,
    UNKNOWN_SIZE,
    SampleFormat,
    WholeFrames,
)

WIDTHS = {"pcm_f32le": 4, "pcm_s16le": 2, "pcm_mulaw": 1, "pcm_alaw": 1}  # protocol §6.1


@pytest.mark.parametrize(("encoding", "width"), WIDTHS.items())
@given(frames=st.integers(0, 10**6), rest=st.integers(0, 3), rate=st.sampled_from(SAMPLE_RATES))
def test_bytes_frames_and_seconds_are_the_same_length(encoding, width, frames, rest, rate):
    """In every encoding, so many bytes are so many frames, and so many seconds."""
    layout = RawOutputFormat(encoding=encoding, sample_rate=rate).sample_format
    assert layout == SampleFormat(encoding=encoding, sample_rate=rate)
    assert layout.bytes_per_frame == width
    assert layout.frames(frames * width + rest % width) == frames
    assert layout.seconds(frames * width) == pytest.approx(frames / rate)


def test_silence_is_one_frame():
    """Silence is zero in linear encodings, and the code of zero in the others (protocol §6.1)."""
    assert SILENCE == {
        "pcm_f32le": b"\0\0\0\0",
        "pcm_s16le": b"\0\0",
        "pcm_mulaw": b"\xff",
        "pcm_alaw": b"\xd5",
    }


@given(pieces=st.lists(st.binary(max_size=9)), width=st.sampled_from([1, 2, 4]))
def test_frames_stay_whole_however_they_are_cut(pieces, width):
    """Whatever the pieces, what comes out of them is whole frames, in order,
    and none is held back.
    """
    cutter = WholeFrames(width)
    taken = [cutter.take(piece) for piece in pieces]
    given_bytes = b"".join(pieces)
    assert not any(len(part) % width for part in taken)
    assert b"".join(taken) == given_bytes[: len(given_bytes) // width * width]


formats = st.builds(
    SampleFormat,
    encoding=st.sampled_from(sorted(WIDTHS)),
    sample_rate=st.sampled_from(SAMPLE_RATES),
)


@given(layout=formats)
def test_the_header_says_what_the_samples_are(layout):
    """The format tag, width and rate are those of the encoding, and all but PCM
    count their frames.
    """
    found = read_wav(layout.wav_header(0))
    width = layout.bytes_per_frame
    assert found.tag == TAGS[layout.encoding]
    assert (found.channels, found.rate) == (1, layout.sample_rate)
    assert (found.bytes_per_frame, found.bits) == (width, 8 * width)
    assert found.bytes_per_second == width * layout.sample_rate
    assert (found.frames is None) == (layout.encoding == "pcm_s16le")


@given(layout=formats)
def test_the_largest_file_has_sizes_that_fit(layout):
    """The most audio that is allowed fits into sizes of 32 bits with its header; no more is."""
    header = layout.wav_header(layout.max_wav_bytes)
    assert len(header) + layout.max_wav_bytes < UNKNOWN_SIZE
    with pytest.raises(LocalProtocolError, match="write raw audio"):
        layout.wav_header(layout.max_wav_bytes + 1)


@given(layout=formats, frames=st.integers(0, 100))
def test_the_size_may_be_open(layout, frames):
    """A header without a size has the length of the others, and the largest
    number in their place.
    """
    size = frames * layout.bytes_per_frame
    known, unknown = layout.wav_header(size), layout.wav_header()
    assert len(known) == len(unknown)
    assert known[4:8] == (len(known) - 8 + size + size % 2).to_bytes(4, "little")
    assert unknown[4:8] == unknown[-4:] == b"\xff" * 4


@given(
    rate=st.sampled_from(SAMPLE_RATES),
    audio=st.lists(st.binary(min_size=2, max_size=2)).map(b"".join),
    is_known=st.booleans(),
)
def test_the_standard_library_reads_pcm(rate, audio, is_known):
    """Python's own module finds the same format and the same frames, whether or not the size is
    known.
    """
    layout = SampleFormat(encoding="pcm_s16le", sample_rate=rate)
    header = layout.wav_header(len(audio) if is_known else None)
    with wave.open(io.BytesIO(header + audio)) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getframerate()) == (1, 2, rate)
        assert found.readframes(found.getnframes()) == audio

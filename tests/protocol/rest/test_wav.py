"""WAV files whose sizes were left open."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.audio import ENCODINGS, SampleFormat
from trio_cartesia._protocol.rest.wav import repaired

FORMATS = st.sampled_from([SampleFormat(encoding=each, sample_rate=8000) for each in ENCODINGS])


@given(FORMATS, st.integers(0, 5000))
def test_a_repaired_header_is_that_of_a_known_size(fmt, size):
    """It is what would have been written if the size had been known."""
    head = fmt.wav_header() + bytes(size)
    header, padding = repaired(head, len(head))
    assert header == fmt.wav_header(size)
    assert padding == bytes(size % 2)


@given(FORMATS, st.integers(1, 5000))
def test_a_header_with_sizes_is_left_alone(fmt, size):
    """Its sizes are the service's."""
    head = fmt.wav_header(size) + bytes(size)
    assert repaired(head, len(head)) is None


@given(
    st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"RIFF\0\0\0\0WAVE" + tail)
)
def test_what_is_no_wav_is_left_alone(head):
    """Nothing fails, whatever the bytes are."""
    assert repaired(head, len(head)) is None or b"data" in head


def test_a_file_beyond_four_gib_keeps_its_placeholders():
    """Its size does not fit in the header."""
    header = SampleFormat(encoding="pcm_s16le", sample_rate=8000).wav_header()
    assert repaired(header, 2**32 + 100) is None

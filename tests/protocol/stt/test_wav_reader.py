"""WAV files as they arrive, in every format, cut anywhere."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.base.audio import ENCODINGS as SPOKEN
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia._protocol.stt.wav_reader import ENCODINGS, GUID_TAIL, WavReader


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    head = struct.pack("<4sI", name, len(content) if size is None else size)
    return head + content + bytes(len(content) % 2)


def layout(tag=1, bits=16, channels=1, sample_rate=16000, width=None):
    width = bits // 8 * channels if width is None else width
    return struct.pack("<HHIIHH", tag, channels, sample_rate, sample_rate * width, width, bits)


def extensible(tag, bits):
    return layout(0xFFFE, bits) + struct.pack("<HHIH", 22, bits, 4, tag) + GUID_TAIL


def wav(*chunks):
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, chunks))) + b"WAVE" + b"".join(chunks)


def read(reader, data, cuts=()):
    ends = [*sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    starts = [0, *ends[:-1]]
    samples = [reader.take(data[start:end]) for start, end in zip(starts, ends, strict=True)]
    reader.finish()
    return b"".join(samples)


others = st.lists(st.binary(max_size=9).map(lambda content: chunk(b"LIST", content)), max_size=2)


@given(
    kind=st.sampled_from(sorted(ENCODINGS)),
    is_extensible=st.booleans(),
    sample_rate=st.integers(1, 400_000),
    audio=st.binary(max_size=40),
    before=others,
    between=others,
    after=others,
    cuts=st.lists(st.integers(0, 200), max_size=5),
)
def test_the_samples_of_a_file(
    kind, is_extensible, sample_rate, audio, before, between, after, cuts
):
    """Whatever else is in the file, and however it is cut, the samples are those of the file."""
    tag, bits = kind
    form = extensible(tag, bits) if is_extensible else layout(tag, bits)
    form = form[:4] + struct.pack("<I", sample_rate) + form[8:]
    audio = audio or b"\0"
    parts = [*before, chunk(b"fmt ", form), *between, chunk(b"data", audio), *after]
    reader = WavReader()
    assert read(reader, wav(*parts), cuts) == audio
    assert reader.input_format.encoding == ENCODINGS[kind]
    assert reader.input_format.sample_rate == sample_rate
    assert reader.input_format.bytes_per_sample == bits // 8


@pytest.mark.parametrize("encoding", SPOKEN)
@pytest.mark.parametrize("size", [None, 8, 0])
def test_speech_of_this_package_can_be_read(encoding, size):
    """A header of `SampleFormat`, also of a stream, whose size is not known, gives all samples."""
    header = SampleFormat(encoding=encoding, sample_rate=24000).wav_header(size)
    reader = WavReader()
    assert read(reader, header + b"12345678") == b"12345678"
    assert reader.input_format.encoding == encoding
    assert reader.input_format.sample_rate == 24000


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (layout(channels=2), r"2 channels, and only mono can be transcribed: convert it.*ffmpeg"),
        (layout(channels=0, width=2), "0 channels"),
        (layout(bits=8), "samples of 8 bits in WAV format 1, which cannot be transcribed"),
        (layout(bits=24), "samples of 24 bits"),
        (layout(tag=3, bits=64), "samples of 64 bits in WAV format 3"),
        (layout(tag=85), "WAV format 85"),  # MP3
        (layout(tag=0xFFFE), "WAV format 65534"),
        (layout(sample_rate=0), "damaged"),
        (layout(width=4), "damaged"),
        (layout()[:14], "damaged"),
        (layout() + bytes(5000), "damaged"),
    ],
)
def test_formats_that_cannot_be_transcribed(form, message):
    """What the service does not take is an error that says what the file has, and what to do."""
    with pytest.raises(LocalProtocolError, match=message):
        WavReader().take(wav(chunk(b"fmt ", form), chunk(b"data", b"12345678")))


def test_samples_without_a_format_are_an_error():
    with pytest.raises(LocalProtocolError, match="damaged"):
        WavReader().take(wav(chunk(b"data", b"12345678")))


@pytest.mark.parametrize("start", [b"ID3\x04secret text", b"RIFX", b"RIFF1234AVI LIST", b"x"])
def test_files_that_are_not_wav(start):
    """Other files are an error that says so, and shows nothing of them."""
    reader = WavReader()
    with pytest.raises(LocalProtocolError, match=r"not a WAV file: .* encoding and") as caught:
        read(reader, start)
    assert "secret" not in str(caught.value)


@given(end=st.integers(0, 47))
def test_headers_that_are_cut(end):
    """A file that ends before its samples is an error, wherever that is."""
    data = wav(chunk(b"fmt ", layout()), chunk(b"fact", bytes(4)), chunk(b"data", b"1234"))
    message = "empty" if end == 0 else "cut short" if end >= 12 else "not a WAV file"
    with pytest.raises(LocalProtocolError, match=message):
        read(WavReader(), data[:end], [5, 17])


def test_large_chunks_are_skipped_and_not_kept():
    """A chunk of any size before the samples takes no memory."""
    reader, size = WavReader(), 2**24
    reader.take(wav(chunk(b"fmt ", layout())) + chunk(b"PAD ", b"", size))
    for _ in range(size // 2**16):
        reader.take(bytes(2**16))
        assert len(reader._held) == 0
    assert reader.take(chunk(b"data", b"1234")) == b"1234"

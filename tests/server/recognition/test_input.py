from __future__ import annotations

import math
import random
import struct
import sys
from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.audio import SILENCE
from trio_cartesia.server.audio.encodings import INPUT_BYTES_PER_SAMPLE, decode_samples, encode
from trio_cartesia.server.recognition import input as input_module
from trio_cartesia.server.recognition.input import InputConverter

ENCODINGS = tuple(INPUT_BYTES_PER_SAMPLE)
SAMPLES = array("h", random.Random(1).choices(range(-32768, 32768), k=500))  # noqa: S311  # no secret


def encoded(samples: array[int], encoding: str) -> bytes:
    if encoding == "pcm_s32le":
        return struct.pack(f"<{len(samples)}i", *(sample << 16 for sample in samples))
    if encoding == "pcm_f16le":
        return struct.pack(f"<{len(samples)}e", *(sample / 32768 for sample in samples))
    return encode(samples.tobytes(), encoding)


def converted(converter: InputConverter, audio: bytes, cuts: list[int]) -> array[int]:
    places = sorted(cut % (len(audio) + 1) for cut in cuts)
    output = b""
    for start, end in zip([0, *places], [*places, len(audio)], strict=True):
        output += b"".join(converter.convert(audio[start:end]))
    return array("h", output + converter.flush())


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=8))
def test_each_encoding_is_decoded_wherever_it_is_cut(encoding: str, cuts: list[int]) -> None:
    """All samples come out, whichever the encoding, even if pieces end in the middle of one."""
    converter = InputConverter(encoding=encoding, sample_rate=16_000)
    found = converted(converter, encoded(SAMPLES, encoding), cuts)
    is_exact = encoding in ("pcm_s16le", "pcm_s32le", "pcm_f32le")
    assert len(found) == len(SAMPLES)
    for sample, value in zip(SAMPLES, found, strict=True):
        assert abs(sample - value) <= (0 if is_exact else 16 + abs(sample) / 16)


@pytest.mark.parametrize("encoding", ["pcm_mulaw", "pcm_alaw"])
def test_every_byte_of_g711_decodes_to_what_encodes_to_it(encoding: str) -> None:
    """Decoding and encoding again gives the same byte; minus zero of mu-law becomes zero."""
    data = bytes(range(256))
    again = encode(decode_samples(data, encoding).tobytes(), encoding)
    assert again.replace(b"\xff", b"\x7f") == data.replace(b"\xff", b"\x7f")


def test_silence_is_silent() -> None:
    """The silence that clients are told to send decodes to zeros."""
    for encoding, silence in SILENCE.items():
        assert max(map(abs, decode_samples(silence * 10, encoding))) <= 8


def test_floats_that_are_no_samples_do_no_harm() -> None:
    """Too large values are clipped, and NaN is silence."""
    data = struct.pack("<5f", math.inf, -math.inf, math.nan, 2.5, -1.0)
    assert list(decode_samples(data, "pcm_f32le")) == [32767, -32768, 0, 32767, -32768]


def test_unknown_encodings_are_refused() -> None:
    """An encoding or a rate that does not exist is an error at once."""
    with pytest.raises(ValueError, match="encoding"):
        InputConverter(encoding="opus", sample_rate=8000)
    with pytest.raises(ValueError, match="sample_rate"):
        InputConverter(encoding="pcm_s16le", sample_rate=0)
    with pytest.raises(ValueError, match="opus"):
        decode_samples(b"", "opus")
    with pytest.raises(ValueError, match="3 bytes"):
        decode_samples(b"abc", "pcm_f16le")


@pytest.mark.parametrize("has_soxr", [True, False])
@pytest.mark.parametrize("sample_rate", [1, 39, 8000, 11_025, 44_100, 48_000, 192_000, 10**9])
def test_any_rate_becomes_16_khz(
    sample_rate: int, has_soxr: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tone keeps its pitch and its duration at any rate that can hold it."""
    if not has_soxr:
        monkeypatch.setitem(sys.modules, "soxr", None)
    count = min(4 * sample_rate, max(4, sample_rate // 5), 40_000)
    wave = [9000 * math.sin(2 * math.pi * 440 * index / sample_rate) for index in range(count)]
    converter = InputConverter(encoding="pcm_s16le", sample_rate=sample_rate)
    found = converted(converter, array("h", map(round, wave)).tobytes(), [1001])
    assert abs(len(found) - 16_000 * count / sample_rate) <= max(2, 16_000 / sample_rate)
    if 8000 <= sample_rate <= 192_000:
        crossings = sum(low < 0 <= high for low, high in pairwise(found))
        assert abs(crossings - 440 * len(found) / 16_000) <= 1
        assert 8500 < max(found[200:-200]) < 9500


def test_a_large_frame_is_converted_in_small_steps() -> None:
    """No step decodes more than 50 ms, so that other tasks have their turn."""
    converter = InputConverter(encoding="pcm_s16le", sample_rate=16_000)
    steps = [len(piece) for piece in converter.convert(bytes(320_000))]
    assert max(steps) <= 32_000 * 0.05
    assert sum(steps) == 320_000


def test_the_module_loads_without_the_extras() -> None:
    """NumPy and soxr are imported only where a rate needs them."""
    assert not {"np", "numpy", "soxr"} & set(vars(input_module))

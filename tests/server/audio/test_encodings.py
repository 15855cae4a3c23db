from __future__ import annotations

import bisect
import itertools
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME, ENCODINGS, SILENCE
from trio_cartesia.server.audio.encodings import encode

EVERY_SAMPLE = struct.pack("<65536h", *range(-32768, 32768))


def decision_values(first_segment: list[int], others: list[int]) -> list[int]:
    """Add up the widths of a law's steps, segment by segment, as the tables of G.711 do."""
    widths = [*first_segment, *itertools.chain.from_iterable([width] * 16 for width in others)]
    return list(itertools.accumulate(widths))


# Table 2a of G.711, in 14 bits: a step of 1, fifteen of 2, then segments of 4, 8, ... 256.
ULAW = decision_values([1, *[2] * 15], [4, 8, 16, 32, 64, 128, 256])
# Table 1a, in 13 bits: two segments of 2, then of 4, 8, ... 128.
ALAW = decision_values([2] * 16, [2, 4, 8, 16, 32, 64, 128])


def ulaw_by_the_table(sample: int) -> int:
    value = sample >> 2
    step = min(127, bisect.bisect_right(ULAW, abs(value)))
    return 0xFF ^ step ^ (0x80 if value < 0 else 0)


def alaw_by_the_table(sample: int) -> int:
    value = sample >> 3
    step = min(127, bisect.bisect_right(ALAW, -value - 1 if value < 0 else value))
    return 0x55 ^ step ^ (0 if value < 0 else 0x80)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("pcm_mulaw", ulaw_by_the_table), ("pcm_alaw", alaw_by_the_table)],
)
def test_g711_is_exact_for_every_sample(encoding: str, expected: Callable[[int], int]) -> None:
    """Each of the 65,536 samples becomes the byte that the tables of the standard give it."""
    assert encode(EVERY_SAMPLE, encoding) == bytes(map(expected, range(-32768, 32768)))


def test_integers_stay_what_they_are() -> None:
    """Samples of the same encoding are not touched."""
    assert encode(memoryview(EVERY_SAMPLE), "pcm_s16le") == EVERY_SAMPLE


def test_floats_are_exact() -> None:
    """Every sample becomes the float of its share of full scale, without any rounding."""
    floats = struct.unpack("<65536f", encode(EVERY_SAMPLE, "pcm_f32le"))
    assert [value * 32768 for value in floats] == list(range(-32768, 32768))


@given(
    slices=st.lists(st.binary(max_size=40).map(lambda data: data[: len(data) // 2 * 2])),
    encoding=st.sampled_from(ENCODINGS),
)
def test_slices_do_not_matter(slices: list[bytes], encoding: str) -> None:
    """However samples are cut into slices, their bytes are the same, and as
    many as they must be.
    """
    whole = encode(b"".join(slices), encoding)
    assert b"".join(encode(data, encoding) for data in slices) == whole
    assert len(whole) * 2 == sum(map(len, slices)) * BYTES_PER_FRAME[encoding]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_silence_is_silent(encoding: str) -> None:
    """Silence is the bytes that the protocol says it is."""
    assert encode(bytes(2), encoding) == SILENCE[encoding]


@pytest.mark.parametrize("encoding", ["pcm_f32le", "pcm_mulaw", "pcm_alaw"])
def test_half_a_sample_is_refused(encoding: str) -> None:
    """Half a sample is an error, and no audio."""
    with pytest.raises(ValueError, match="bytes length"):
        encode(b"abc", encoding)


def test_an_unknown_encoding_is_refused() -> None:
    """An encoding that the service does not have is named in the error."""
    with pytest.raises(ValueError, match="pcm_s24le"):
        encode(b"", "pcm_s24le")


def test_machines_of_the_other_byte_order_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the byte order of the wire: on a machine of the other one
    bytes are swapped.
    """
    swapped = struct.pack(">65536h", *range(-32768, 32768))
    expected = {encoding: encode(EVERY_SAMPLE, encoding) for encoding in ENCODINGS}
    monkeypatch.setattr("sys.byteorder", "big")
    assert encode(swapped, "pcm_mulaw") == expected["pcm_mulaw"]
    floats = struct.unpack(">65536f", encode(swapped, "pcm_f32le"))
    assert struct.pack("<65536f", *floats) == expected["pcm_f32le"]

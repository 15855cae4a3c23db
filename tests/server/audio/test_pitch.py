from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.audio.pitch import shift

RATE = 8000


def cut(samples: array[int], size: int) -> list[array[int]]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def tone(hertz: float, seconds: float) -> array[int]:
    turn = 2 * math.pi * hertz / RATE
    return array("h", [round(9000 * math.sin(turn * i)) for i in range(int(RATE * seconds))])


def strength(audio: bytes, hertz: float) -> float:
    """The amplitude of a frequency in the middle of the audio."""
    samples = array("h", audio)[800:-800]
    turn = 2j * math.pi * hertz / RATE
    points = [value * math.e ** (turn * i) for i, value in enumerate(samples)]
    return abs(sum(points)) * 2 / len(samples)


@given(
    samples=st.binary(max_size=3000).map(lambda data: array("h", data[: len(data) // 2 * 2])),
    size=st.integers(1, 700),
    factor=st.floats(0.5, 2),
)
def test_the_length_stays(samples: array[int], size: int, factor: float) -> None:
    """Any audio keeps its length, however it is cut, and the cuts do not matter."""
    shifted = b"".join(shift(cut(samples, size), factor=factor, sample_rate=RATE))
    assert len(shifted) == 2 * len(samples)
    assert shifted == b"".join(shift([samples], factor=factor, sample_rate=RATE))
    assert b"".join(shift([samples], factor=1, sample_rate=RATE)) == samples.tobytes()


@pytest.mark.parametrize("semitones", [-7, -4, 4, 7])
def test_frequencies_are_multiplied(semitones: int) -> None:
    """A tone becomes one of the other pitch, to within half of the rate of the grains."""
    factor = 2 ** (semitones / 12)
    shifted = b"".join(shift([tone(400, 0.7)], factor=factor, sample_rate=RATE))
    loudest = max(range(150, 800, 5), key=lambda hertz: strength(shifted, hertz))
    assert loudest == pytest.approx(400 * factor, abs=25)
    assert strength(shifted, loudest) > 2500

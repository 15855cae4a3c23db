"""How high a voice is, as it is estimated from a clip."""

from __future__ import annotations

import math
import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.support import on_virtual_time
from trio_cartesia.server.audio.fundamental import SAMPLE_RATE, fundamental_hertz


def vowel(hertz: float, *, seconds: float, loudness: float, harmonics: int) -> array[int]:
    """A voice with some harmonics at one pitch."""
    step = 2 * math.pi * hertz / SAMPLE_RATE
    weights = [loudness / number for number in range(1, harmonics + 1)]
    return array(
        "h",
        (
            round(sum(w * math.sin(step * n * (k + 1)) for k, w in enumerate(weights)))
            for n in range(round(seconds * SAMPLE_RATE))
        ),
    )


@settings(max_examples=6)
@given(
    hertz=st.floats(70, 380),
    loudness=st.floats(1000, 8000),
    harmonics=st.integers(1, 6),
    cut=st.integers(1, 5000),
)
@on_virtual_time
async def test_the_pitch_of_a_voice_is_found(
    hertz: float, loudness: float, harmonics: int, cut: int
) -> None:
    """In pieces of any size, at any loudness and with any harmonics, to about a twentieth."""
    voice = vowel(hertz, seconds=0.65, loudness=loudness, harmonics=harmonics)
    found = await fundamental_hertz([voice[:cut], voice[cut:]])
    assert found == pytest.approx(hertz, rel=0.06)


@pytest.mark.parametrize("kind", ["nothing", "silence", "noise", "too short"])
@on_virtual_time
async def test_without_a_voice_there_is_no_pitch(kind: str) -> None:
    """Silence, noise and a very short clip have none."""
    chance = random.Random(1)  # noqa: S311  # noise
    clips = {
        "nothing": array("h"),
        "silence": array("h", bytes(2 * SAMPLE_RATE)),
        "noise": array("h", (chance.randint(-8000, 8000) for _ in range(SAMPLE_RATE))),
        "too short": vowel(200, seconds=0.2, loudness=4000, harmonics=3),
    }
    assert await fundamental_hertz([clips[kind]]) is None

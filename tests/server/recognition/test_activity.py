from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia.server.recognition.activity import open_score
from trio_cartesia.server.recognition.interface import SAMPLE_RATE
from trio_cartesia.server.voices.interface import Utterance
from trio_cartesia.server.voices.tones import Tones

START, EAGER_END, END = 0.8, 0.4, 0.2  # the default thresholds of turns
RECOGNIZERS = ["own", pytest.param("moonshine", marks=pytest.mark.ears)]


def noise(seconds: float, loudness: float, seed: int = 1) -> bytes:
    values = random.Random(seed)  # noqa: S311  # no secret
    return array(
        "h", (round(values.gauss(0, loudness)) for _ in range(round(seconds * SAMPLE_RATE)))
    ).tobytes()


async def tones(text: str) -> bytes:
    spoken = await Tones().speak(Utterance(text=text, voice_id="v", sample_rate=SAMPLE_RATE))
    return spoken.samples


def scores(audio: bytes, *, recognizer: str = "own") -> list[float]:
    """The score after each 32 ms."""
    score = open_score(recognizer)
    return [score.add(audio[start : start + 1024]) for start in range(0, len(audio), 1024)]


async def test_a_turn_starts_soon_and_ends_after_0_8_seconds_of_silence() -> None:
    """Speech passes the start threshold in 0.1 s, and silence the ends after 0.4 and 0.8 s."""
    speech = await tones("Good morning everybody")
    found = scores(speech + bytes(2 * SAMPLE_RATE))
    assert next(index for index, score in enumerate(found) if score > START) <= 3
    last = max(index for index, score in enumerate(found) if score > START)
    eager = next(index for index in range(last, len(found)) if found[index] < EAGER_END)
    end = next(index for index in range(last, len(found)) if found[index] < END)
    assert 0.35 <= (eager - last) * 0.032 <= 0.5
    assert 0.75 <= (end - last) * 0.032 <= 0.9


async def test_pauses_between_words_do_not_end_a_turn() -> None:
    """From the first word to the last one, the score stays above the threshold of an eager end."""
    found = scores(await tones("We walk and talk, and then we stop."))
    assert min(found[4:]) > EAGER_END


@pytest.mark.parametrize("recognizer", RECOGNIZERS)
def test_silence_and_steady_noise_are_not_speech(recognizer: str) -> None:
    """Silence has no score, and noise that goes on loses it."""
    assert max(scores(bytes(32_000), recognizer=recognizer)) < EAGER_END
    assert max(scores(noise(4, 300), recognizer=recognizer)[-10:]) < END


async def test_speech_in_noise_is_speech() -> None:
    """Speech 15 dB above steady noise starts a turn, and the noise after it ends it."""
    speech = array("h", await tones("Good morning everybody"))
    background = array("h", noise(5 + len(speech) / SAMPLE_RATE, 700))
    for index, sample in enumerate(speech):
        background[index + 48_000] += sample
    found = scores(background.tobytes())
    during = found[48_000 // 512 : (48_000 + len(speech)) // 512]
    assert max(during) > START
    assert found[-1] < END


@pytest.mark.parametrize("recognizer", RECOGNIZERS)
@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 6000), max_size=6))
def test_the_score_does_not_depend_on_how_audio_is_cut(recognizer: str, cuts: list[int]) -> None:
    """Equal samples give an equal score, whatever the sizes of their pieces."""
    audio = bytes(3000) + noise(0.25, 4000) + bytes(1000)
    whole, cut = open_score(recognizer), open_score(recognizer)
    places = sorted(2 * (place % (len(audio) // 2)) for place in cuts)
    for start, end in zip([0, *places], [*places, len(audio)], strict=True):
        found = cut.add(audio[start:end])
    assert found == whole.add(audio)

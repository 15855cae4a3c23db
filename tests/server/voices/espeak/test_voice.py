# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import itertools
import unicodedata
from typing import Any

import numpy as np
import pytest

from tests.server.voices.espeak.speech import (
    IDS,
    NATIVE,
    PROSE,
    SENTENCES,
    check_times,
    loudness,
    seconds,
    speak,
    words_of,
)
from trio_cartesia._protocol.base.audio import SAMPLE_RATES


@pytest.mark.parametrize("language", SENTENCES)
def test_every_word_has_its_time(language: str) -> None:
    """The words are those written, in order, in every language; their times are
    inside the audio.
    """
    text = SENTENCES[language]
    speech = speak(text, language=language)
    assert words_of(speech) == text.split()
    check_times(speech)
    spoken = [word for word in speech.words if any(map(str.isalnum, word.text))]
    assert all(word.start < word.end for word in spoken)


def test_words_are_where_they_sound() -> None:
    """A word's time covers its own sounds: it is loud inside, and silent in the pause after it."""
    speech = speak("Seven. Seven, seven!")
    wave = np.abs(np.frombuffer(speech.samples, "<i2").astype(int))
    for word, following in itertools.pairwise(speech.words):
        assert wave[word.start : word.end].max() > 3000
        assert following.start - word.end > 0.05 * NATIVE
        assert wave[word.end + NATIVE // 100 : following.start].max() < 600


@pytest.mark.parametrize(
    "text", ["今天天气很好，我们去公园散步。", "きょうはとてもいいてんきですね。"]
)
def test_characters_share_their_word(text: str) -> None:
    """In Chinese and Japanese each character has a time, and only punctuation has an empty one."""
    speech = speak(text, language="zh" if "今" in text else "ja")
    assert words_of(speech) == list(text)
    check_times(speech)
    for word in speech.words:
        assert (word.start < word.end) == word.text.isalnum()


def test_it_is_speech() -> None:
    """Prose is loud enough without clipping, and 150 to 200 words of it take a minute."""
    speech = speak(PROSE)
    assert 800 < loudness(speech) < 4000
    assert np.abs(np.frombuffer(speech.samples, "<i2").astype(int)).max() < 26000
    assert 150 < len(PROSE.split()) / seconds(speech) * 60 < 200
    assert len(speech.phonemes) > len(PROSE) / 2


@pytest.mark.parametrize("sample_rate", SAMPLE_RATES)
def test_rates_only_change_the_frames(sample_rate: int) -> None:
    """At every rate an utterance lasts as long, and its words are where they were."""
    speech, native = (speak(PROSE, sample_rate=rate) for rate in (sample_rate, NATIVE))
    assert seconds(speech, sample_rate) == pytest.approx(seconds(native), rel=0.01)
    assert loudness(speech) == pytest.approx(loudness(native), rel=0.2)
    check_times(speech)
    for word, same in zip(speech.words, native.words, strict=True):
        assert word.start / sample_rate == pytest.approx(same.start / NATIVE, abs=0.2)


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("speed", [0.6, 0.8, 1.25, 1.5])
def test_speed_is_exact(language: str, speed: float) -> None:
    """Speech is as much shorter as it is faster, to four percent: how long eSpeak NG makes a text
    depends a little on what it spoke before.
    """
    normal, other = (
        seconds(speak(SENTENCES[language], language=language, speed=factor))
        for factor in (1.0, speed)
    )
    assert other * speed == pytest.approx(normal, rel=0.04)


@pytest.mark.parametrize("name", ["Clara", "Owen", "Robin"])
@pytest.mark.parametrize("volume", [0.5, 0.8, 1.5, 2.0])
def test_volume_is_exact(name: str, volume: float) -> None:
    """Volume is a factor, to two percent, and even the largest one hardly clips."""
    normal, other = (speak(PROSE, voice_id=IDS[name], volume=factor) for factor in (1.0, volume))
    assert loudness(other) == pytest.approx(loudness(normal) * volume, rel=0.02)
    wave = np.abs(np.frombuffer(other.samples, "<i2").astype(int))
    assert np.count_nonzero(wave >= 32767) < len(wave) / 10_000


def test_emotions_are_heard() -> None:
    """Anger is fast and loud, sadness slow and low, and neither touches the words."""
    neutral, angry, sad = (speak(PROSE, emotion=name) for name in (None, "angry", "sad"))
    assert seconds(angry) < 0.95 * seconds(neutral) < 0.85 * seconds(sad)
    assert loudness(angry) > 1.15 * loudness(neutral) > 1.3 * loudness(sad)
    assert words_of(angry) == words_of(neutral) == words_of(sad)


def test_an_emotion_has_speeds_too() -> None:
    """With an emotion, speed is a factor of that emotion's pace, and volume
    never exceeds the most.
    """
    normal, fast = (seconds(speak(PROSE, emotion="sad", speed=speed)) for speed in (1.0, 1.5))
    assert fast * 1.5 == pytest.approx(normal, rel=0.03)
    loud, louder = (speak(PROSE, volume=2.0, emotion=name) for name in ("neutral", "angry"))
    assert loudness(louder) == pytest.approx(loudness(loud), rel=0.1)


def test_a_sentence_that_goes_on_has_no_pause_after_it() -> None:
    """The end of an utterance that does not close is where its last word ends."""
    closed, open_ = (speak("Hello there", closes=closes) for closes in (True, False))
    assert len(open_.samples) // 2 == open_.words[-1].end
    assert seconds(closed) > seconds(open_) + 0.1
    same = speak("Hello there.", closes=False)
    assert len(same.samples) // 2 > same.words[-1].end


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "It costs $20, or 3.5% more."),
        ({"normalized": True}, "It costs twenty dollars, or three point five percent more."),
        ({"normalized": True, "normalization": "off"}, "It costs $20, or 3.5% more."),
        ({"normalized": True, "normalization": "de"}, "It costs $20, or 3.5% more."),
        ({"normalized": True, "language": "de"}, "It costs $20, or 3.5% more."),
        (
            {"normalized": True, "language": "de", "normalization": "en-US"},
            "It costs twenty dollars, or three point five percent more.",
        ),
    ],
)
def test_words_are_reported_as_asked(settings: dict[str, Any], words: str) -> None:
    """Words are those that were written, or those that are read where there are rules for that."""
    speech = speak("It costs $20, or 3.5% more.", **settings)
    assert words_of(speech) == words.split()
    check_times(speech)
    assert all(word.start < word.end for word in speech.words)


def test_how_words_are_reported_is_not_heard() -> None:
    """Normalised times change nothing of the audio."""
    texts = [speak("I paid $20.50.", normalized=normalized) for normalized in (False, True)]
    assert seconds(texts[0]) == pytest.approx(seconds(texts[1]), rel=0.02)


def test_digits_are_read_one_by_one_without_normalization() -> None:
    """Without normalization "21" is "two one"."""
    speech = speak("21", normalization="off", language="en")
    sounds = "".join(phoneme.text for phoneme in speech.phonemes)
    assert sounds.startswith("tˈuː")
    assert "w" in sounds


def test_symbols_are_whole_letters() -> None:
    """Phonemes are IPA, without control characters or halves of letters."""
    for language, text in SENTENCES.items():
        for phoneme in speak(text, language=language).phonemes:
            assert "\ufffd" not in phoneme.text
            assert not any(unicodedata.category(letter) == "Cc" for letter in phoneme.text)

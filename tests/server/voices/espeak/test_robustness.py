# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.voices.espeak.speech import check_times, seconds, speak, words_of
from trio_cartesia.server.voices.espeak.client import EspeakCrashed
from trio_cartesia.server.voices.espeak.voices import LANGUAGES


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t \u3000", "\x01", "\0", "\ud83d", "?!", "...", "— –"]
)
def test_next_to_nothing_is_spoken_quickly(text: str) -> None:
    """Text without a letter is no error: its words, if any, are there, and it is soon over."""
    speech = speak(text)
    assert words_of(speech) == text.split()
    assert seconds(speech) < 1
    check_times(speech)


@given(
    text=st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(["😀", "\ud800", "\udfff", "\0", "\x01", "\x1b", "<break/>", "&", "[["])
        ).map(" a".join),
    ),
    language=st.sampled_from(sorted(LANGUAGES)),
)
@settings(max_examples=6 * settings.default.max_examples)
@pytest.mark.slow
def test_any_text_is_survived(text: str, language: str) -> None:
    """Whatever the text, its words are all there and their times are in order;
    or it fails alone.
    """
    try:
        speech = speak(text, language=language)
    except EspeakCrashed:
        text = "Hello world"
        speech = speak(text, language=language)
    assert "".join(words_of(speech)) == "".join(text.split())
    check_times(speech)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("(-nej)", "da"),
        ('"-nej', "da"),
        ("(-hai)", "vi"),
        ("'-\u1555", "hi"),
        ("}-ৱড়", "bn"),
        (".-w", "ml"),
        ("`", "vi"),
        ("\u28ff", "fi"),
        ("Ⓜɇ", "mr"),
        pytest.param("s'" * 220, "en", marks=pytest.mark.slow),
    ],
)
def test_what_would_crash_the_library_is_kept_from_it(text: str, language: str) -> None:
    """Text that is known to end the process, by errors in the library, is survived."""
    for _ in range(20):
        assert words_of(speak(text, language=language)) == [text]


@pytest.mark.parametrize(
    "text", ["<break time='1s'/> hi", "<spell>AB</spell>", "<prosody>", "a < b"]
)
def test_markup_is_only_text(text: str) -> None:
    """Text is never taken for SSML, of which the library drops in silence what it does not like."""
    speech = speak(text)
    assert words_of(speech) == text.split()
    assert all(word.start < word.end for word in speech.words if word.text.strip("<"))

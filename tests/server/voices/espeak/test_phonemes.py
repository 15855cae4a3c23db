# ruff: noqa: RUF001 - the symbols of IPA look like letters, and are meant

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.library import PHONEMES, Kind, VoiceParameters
from trio_cartesia.server.voices.espeak.phonemes import _SYMBOLS, LAUGHTER, mnemonics
from trio_cartesia.server.voices.espeak.voices import LANGUAGES

ENGLISH = LANGUAGES["en"]
IPA = st.lists(
    st.one_of(st.sampled_from([*_SYMBOLS, "ˈ", "ˌ", "ː", "ʰ", "]]", "%", "☃"]), st.characters()),
    max_size=20,
).map("|".join)


def pronunciation(found: str, voice: str = ENGLISH) -> str:
    _, events = espeak_client.synthesise(
        f"[[{found}]]", VoiceParameters(voice=voice, flags=PHONEMES)
    )
    return "".join(event.symbol for event in events if event.kind is Kind.PHONEME)


@pytest.mark.parametrize(
    ("ipa", "sound"),
    [
        ("h|ə|ˈl|oʊ", "həlˈoʊ"),
        ("həˈloʊ", "həlˈoʊ"),
        ("tʃ|iː|z", "tʃˈiːz"),
        ("t͡ʃ|iː|z", "tʃˈiːz"),
        ("t|ʃ|iː|z", "tʃˈiːz"),
        ("ʒ|ˈɔɪ|ŋ|θ|ð", "ʒˈɔɪŋθð"),
        ("ˈp|æ|k", "pˈæk"),
        ("x|ˈa|ɲ", "xˈæɲ"),
    ],
)
def test_an_english_voice_says_what_is_written(ipa: str, sound: str) -> None:
    """Symbols are spoken as they are, with their stress, and with bars between them or without."""
    assert pronunciation(mnemonics(ipa, f"{ENGLISH}+f1")).replace("ˌ", "") in (
        sound,
        sound.replace("ˈ", ""),
    )


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.slow
def test_every_symbol_is_heard_in_every_language(language: str) -> None:
    """What a language does not have is replaced by something near, and a laugh is one
    everywhere.
    """
    voice = LANGUAGES[language]
    silent = [symbol for symbol in _SYMBOLS if not pronunciation(mnemonics(symbol, voice), voice)]
    assert silent == []
    assert len(pronunciation(mnemonics(LAUGHTER, voice), voice)) >= 6


@given(ipa=IPA, language=st.sampled_from(sorted(LANGUAGES)))
@settings(max_examples=4 * settings.default.max_examples)
@pytest.mark.slow
def test_any_phonemes_are_survived(ipa: str, language: str) -> None:
    """Whatever stands between the brackets, the library gets nothing but phonemes that it knows."""
    found = mnemonics(ipa, LANGUAGES[language])
    assert not set("[] `") & set(found)
    pronunciation(found, LANGUAGES[language])


def test_what_nobody_knows_is_left_out() -> None:
    """Unknown symbols and diacritics are nothing."""
    assert mnemonics("☃|%|\u0303", ENGLISH) == ""
    assert mnemonics("☃|p|%", ENGLISH) == mnemonics("p", ENGLISH) == "p"

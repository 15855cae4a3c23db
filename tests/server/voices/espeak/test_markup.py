# ruff: noqa: RUF001 - the marks of other scripts look like ours, and are meant

from __future__ import annotations

import numpy as np
import pytest
import trio

from tests.server.voices.espeak.speech import (
    IDS,
    NATIVE,
    SENTENCES,
    check_times,
    marked,
    seconds,
    sounds_in,
    speak,
    words_of,
)
from trio_cartesia.server.voices.espeak.portions import portions
from trio_cartesia.server.voices.espeak.voice import Espeak


def test_spelling_reads_every_character() -> None:
    """What is spelled is spoken letter by letter, in its own words, and it takes longer."""
    plain, spelled = (speak("ABBA 12 <&>.", spelled=spelled) for spelled in (False, True))
    assert words_of(spelled) == words_of(plain) == ["ABBA", "12", "<&>."]
    sounds = "".join(phoneme.text for phoneme in spelled.phonemes).replace("ˈ", "").replace("ˌ", "")
    assert sounds.startswith("eɪbiːbiːeɪwʌntuː")
    assert "æmpəsænd" in sounds
    assert seconds(spelled) > seconds(plain)
    check_times(spelled)


def test_symbols_are_spelled_by_their_names() -> None:
    """An emoji in a spelling is named, which would crash some languages if it were a letter."""
    for language in ("en", "te", "mr", "vi", "ka"):
        speech = speak('A😀"(1) B', language=language, spelled=True)
        assert words_of(speech) == ['A😀"(1)', "B"]
        check_times(speech)


def test_phonemes_are_in_one_portion() -> None:
    """Phonemes are never divided, wherever a portion ends."""
    text = "word " * 60 + "[[" + "a" * 150 + "]]" + "1" * 60
    for start in range(0, 300, 5):
        place = (300 - start, 300 - start + 154)
        found = list(portions(text[start:], sounds=[place]))
        assert "".join(found) == text[start:]
        assert any("[[" in portion and "]]" in portion for portion in found)


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_a_long_spelling_is_read_to_its_end(language: str) -> None:
    """A spelling takes as long as it has letters, in every language."""
    few, many = (speak("AB12 " * count, language=language, spelled=True) for count in (5, 40))
    assert seconds(many) / seconds(few) == pytest.approx(8, rel=0.2)
    assert words_of(many) == ["AB12"] * 40
    check_times(many)


def test_phonemes_are_spoken_as_they_are() -> None:
    """A word in phonemes sounds like them, in one time, and is reported as it was written."""
    text = "I said <<p|ə|ˈk|ɑː|n>>, not <<ʃ|iː>>."
    speech = trio.run(Espeak().speak, marked(text, voice_id=IDS["Clara"]))
    assert words_of(speech) == text.split()
    sounds = {word.text: sounds_in(speech, word) for word in speech.words}
    assert sounds["<<p|ə|ˈk|ɑː|n>>,"] == "pəkˈɑːn"
    assert sounds["<<ʃ|iː>>."] == "ʃiː"


@pytest.mark.parametrize("text", ["<<☃>>", "a<<☃|ə>>b.", "[[<<ə>>]]", "<<]]|ə>> [["])
def test_unknown_phonemes_are_left_out(text: str) -> None:
    """A symbol that nobody knows makes no sound and no error, and double brackets are only text."""
    speech = trio.run(Espeak().speak, marked(text))
    assert words_of(speech) == text.split()
    check_times(speech)


def test_laughter_is_heard_and_is_no_word() -> None:
    """Laughter takes a short time between the words around it, and is not reported."""
    speech = trio.run(Espeak().speak, marked("That is [laughter] very funny."))
    assert words_of(speech) == ["That", "is", "very", "funny."]
    before, after = speech.words[1].end, speech.words[2].start
    assert 0.3 * NATIVE < after - before < 1.5 * NATIVE
    laugh = np.frombuffer(speech.samples, "<i2")[before:after]
    assert np.abs(laugh.astype(int)).max() > 1000
    alone = trio.run(Espeak().speak, marked("[laughter]"))
    assert words_of(alone) == []
    assert seconds(alone) > 0.3

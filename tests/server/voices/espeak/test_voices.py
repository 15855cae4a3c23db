from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support import one_in
from trio_cartesia.server.catalogue.models import EMOTIONS
from trio_cartesia.server.catalogue.models import LANGUAGES as SPOKEN
from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry, find_voice
from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.library import engine
from trio_cartesia.server.voices.espeak.voices import (
    DIALECTS,
    LANGUAGES,
    REGIONS,
    TIMBRES,
    emotion_profile,
    language_of,
    voice_parameters,
)
from trio_cartesia.server.voices.interface import Utterance

CLARA = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
IDS = {voice.name: voice.id for voice in VOICES}
NATIVE = 22050


def utterance(**settings: Any) -> Utterance:
    return Utterance(**{"text": "a", "voice_id": "a", "sample_rate": NATIVE, **settings})


def base(voice_id: str, language: str | None = None) -> str:
    return voice_parameters(utterance(voice_id=voice_id, language=language)).voice.partition("+")[0]


def hertz(voice: VoiceEntry) -> float:
    """The pitch of a voice: the median over frames that have a clear one."""
    parameters = voice_parameters(utterance(voice_id=voice.id, language="en"))
    data, _ = espeak_client.synthesise("How are you today? We are all well, thank you.", parameters)
    wave, found = np.frombuffer(data, np.int16).astype(float), []
    for start in range(0, len(wave) - 1024, 512):
        frame = wave[start : start + 1024]
        power = np.correlate(frame, frame, "full")[1023:]
        period = NATIVE // 350 + int(power[NATIVE // 350 : NATIVE // 60].argmax())
        if power[0] > 1e9 and power[period] > 0.5 * power[0]:
            found.append(NATIVE / period)
    return float(np.median(found))


def test_every_language_has_its_voice() -> None:
    """The library has what each language, region and dialect is mapped to."""
    there = set(engine().voices())
    assert set(LANGUAGES) == SPOKEN
    assert {*LANGUAGES.values(), *REGIONS.values(), *DIALECTS.values()} <= there
    assert set(DIALECTS) <= {voice.accent for voice in VOICES} | {voice.name for voice in VOICES}


@pytest.mark.parametrize("language", one_in(4, sorted(SPOKEN)))
def test_genders_are_heard(language: str) -> None:
    """In each language the feminine voice is clearly higher than the masculine one."""
    voices = {voice.gender: voice for voice in VOICES if voice.language == language}
    assert hertz(voices["feminine"]) > 160 > 135 > hertz(voices["masculine"])


def test_some_voices_are_in_between() -> None:
    """Voices of neither gender are neither high nor low."""
    neutral = [voice for voice in VOICES if voice.gender == "gender_neutral"]
    assert all(125 < hertz(voice) < 165 for voice in neutral)


def test_voices_of_one_language_differ() -> None:
    """No two voices of a language have all their settings in common."""
    manners = {(voice.language, voice_parameters(utterance(voice_id=voice.id))) for voice in VOICES}
    assert len(manners) == len(VOICES)


@pytest.mark.parametrize(
    ("name", "language", "voice"),
    [
        ("Clara", None, "gmw/en-US"),
        ("Clara", "en", "gmw/en-US"),
        ("Clara", "en-GB", "gmw/en"),
        ("Clara", "en_gb", "gmw/en"),
        ("Clara", "en-IN", "gmw/en"),
        ("Clara", "de", "gmw/de"),
        ("Clara", "de-AT", "gmw/de"),
        ("Clara", "xx", "gmw/en-US"),
        ("Harriet", "en", "gmw/en"),
        ("Harriet", "en-US", "gmw/en-US"),
        ("Gloria", None, "gmw/en-US-nyc"),
        ("Gloria", "en-US", "gmw/en-US-nyc"),
        ("Fiona", "en", "gmw/en-GB-scotland"),
        ("Fiona", "en-GB", "gmw/en-GB-scotland"),
        ("Ximena", None, "roa/es-419"),
        ("Ximena", "es-ES", "roa/es"),
        ("Lucía", "es-MX", "roa/es-419"),
        ("Leonor", "pt", "roa/pt"),
        ("Leonor", "pt-BR", "roa/pt-BR"),
        ("Beatriz", "pt-PT", "roa/pt"),
        ("Camille", "fr-BE", "roa/fr-BE"),
        ("Camille", "fr-CA", "roa/fr"),
        ("Ngọc", "vi", "aav/vi-VN-x-south"),
        ("Ka Yan", None, "sit/yue"),
        ("Lán", "zh-HK", "sit/yue"),
        ("Annika", "en", "gmw/en-US"),
    ],
)
def test_accents_follow_the_region_or_the_speaker(
    name: str, language: str | None, voice: str
) -> None:
    """A region that is named is heard; else it is the speaker's own accent, or that of the
    language.
    """
    assert base(IDS[name], language) == voice


def test_unknown_ids_have_voices_too() -> None:
    """An id that is not in the catalogue always has the same voice, which few others share."""
    names = [f"voice {number}" for number in range(100)]
    manners = [voice_parameters(utterance(voice_id=name)) for name in names]
    assert manners == [voice_parameters(utterance(voice_id=name)) for name in names]
    assert len(set(manners)) > 95
    assert base("anybody") == base("anybody", "en") == "gmw/en-US"
    assert base("anybody", "pt-PT") == "roa/pt"


def test_a_speaker_stays_the_same_in_other_languages() -> None:
    """Timbre and pitch are the speaker's, whatever the language."""
    own, other = (voice_parameters(utterance(voice_id=CLARA, language=tag)) for tag in (None, "ja"))
    assert own.pitch == other.pitch
    assert own.voice.partition("+")[2] == other.voice.partition("+")[2]


@pytest.mark.parametrize("emotion", sorted(EMOTIONS - {"neutral"}))
def test_every_emotion_changes_something(emotion: str) -> None:
    """Each of the 58 emotions has a profile, within what the library takes."""
    neutral = emotion_profile(None)
    assert emotion_profile("neutral") == emotion_profile("hungry") == neutral
    assert emotion_profile(emotion) != neutral
    assert emotion_profile(emotion.upper()) == emotion_profile(emotion)
    for voice in VOICES:
        parameters = voice_parameters(utterance(voice_id=voice.id, emotion=emotion))
        assert 0 <= parameters.pitch <= 99
        assert 0 <= parameters.pitch_range <= 99


def test_the_language_is_the_speakers_own_by_default() -> None:
    """The language is what is asked for, or the voice's, or English."""
    assert language_of(utterance(voice_id=IDS["Annika"])) == "de"
    assert language_of(utterance(voice_id=IDS["Annika"], language="fr-BE")) == "fr"
    assert language_of(utterance()) == "en"
    assert find_voice("a") is None


@pytest.mark.parametrize(
    ("hertz", "kind"), [(100, "masculine"), (145, "gender_neutral"), (220, "feminine")]
)
def test_a_clone_has_a_timbre_that_suits_its_clip(hertz: float, kind: str) -> None:
    """How high the clip is decides which variants and pitches a clone may have."""
    timbre = TIMBRES[kind]
    for number in range(20):
        clone = VoiceEntry.owned(
            name="a",
            language="en",
            accent=None,
            created_at="",
            timbre_id=str(number),
            pitch_hertz=hertz,
        )
        parameters = voice_parameters(utterance(voice_id=clone.id, voice=clone))
        assert parameters.voice.partition("+")[2] in timbre.variants
        assert timbre.lowest <= parameters.pitch < timbre.lowest + timbre.pitches


def test_voices_of_an_account_have_the_timbre_of_their_source() -> None:
    """A voice of an account has the variant and pitch of its timbre, the language of its accent,
    and the accent of its locale, whatever its name.
    """
    clara = find_voice(CLARA)
    assert clara is not None
    own = VoiceEntry.owned(
        name="Fiona",
        language="en",
        accent="british",
        gender=clara.gender,
        timbre_id=CLARA,
        created_at=clara.created_at,
    )
    theirs = voice_parameters(utterance(voice_id=own.id, voice=own))
    hers = voice_parameters(utterance(voice_id=CLARA))
    assert theirs.voice == hers.voice.replace("gmw/en-US", "gmw/en")
    assert (theirs.pitch, theirs.pitch_range) == (hers.pitch, hers.pitch_range)
    plain = VoiceEntry.owned(name="Fiona", language="de", accent=None, created_at="")
    spoken = voice_parameters(utterance(voice_id=plain.id, voice=plain))
    assert spoken.voice.startswith("gmw/de+")
    assert language_of(utterance(voice_id=plain.id, voice=plain)) == "de"

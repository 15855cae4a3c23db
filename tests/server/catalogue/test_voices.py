from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry, find_voice

LANGUAGES = """
en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi bn th
he ka id te gu kn ml mr pa or ur
"""
ACCENTS = """
abruzzo-italian african-american african-french arabic arabic-english australian bagheli
belgian-french brazilian-portuguese british budapest bulgarian california camba campania
canadian-english canadian-french castilian central-tamil central-thai central-vietnamese chilean
colombian czech danish european-portuguese finnish general-american high-german hindi
indian-english indian-urdu irish israeli istanbul italian jakarta japanese jessore khaleeji
konkani korean kyiv malay mandarin manila mexican middle-eastern-arabic midwestern-american
modern-standard-arabic moldovan new-york new-zealand north-kerala odia oslo parisian parsi
peruvian polish powadhi randstad romanian russian singaporean slovak south-african southern-us
southern-karnataka southern-vietnamese standard-japanese stockholm swiss-standard
taiwanese-mandarin tbilisi telangana urdu thessaloniki zagreb
"""


@pytest.mark.parametrize("language", LANGUAGES.split())
def test_every_language_has_voices_of_both_genders(language: str) -> None:
    """Each language of protocol §1.9 has a masculine and a feminine voice at the least."""
    genders = {voice.gender for voice in VOICES if voice.language == language}
    assert genders >= {"masculine", "feminine"}


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.name)
def test_entries_have_the_forms_of_the_protocol(voice: VoiceEntry) -> None:
    """Every field is what protocol §5.2 says of it."""
    assert str(uuid.UUID(voice.id)) == voice.id
    assert voice.language in LANGUAGES.split()
    assert re.fullmatch(rf"{voice.language}-{voice.country}", voice.locale)
    assert re.fullmatch(r"[A-Z]{2}", voice.country)
    assert voice.accent is None or voice.accent in ACCENTS.split()
    assert voice.gender in ("masculine", "feminine", "gender_neutral")
    assert voice.name
    assert voice.description
    assert 0 < len(voice.tagline) <= 32
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", voice.created_at)


def test_no_two_voices_are_one() -> None:
    """Ids and names are unique, and there are accents to choose from, and a voice of neither
    gender.
    """
    assert len({voice.id for voice in VOICES}) == len({voice.name for voice in VOICES})
    assert len({voice.name for voice in VOICES}) == len(VOICES) > 100
    assert "gender_neutral" in {voice.gender for voice in VOICES}
    for language, locales in {"en": 3, "es": 3, "fr": 3, "pt": 2, "zh": 2}.items():
        assert len({voice.locale for voice in VOICES if voice.language == language}) >= locales


@pytest.mark.parametrize(
    ("voice_id", "gender"),
    [
        ("6ccbfb76-1fc6-48f7-b71d-91ac6298247b", "feminine"),
        ("e07c00bc-4134-4eae-9ea4-1a55fb45746b", "feminine"),
        ("a0e99841-438c-4a64-b679-ae501e7d6091", "masculine"),
    ],
)
def test_the_documentation_has_its_voices(voice_id: str, gender: str) -> None:
    """The ids that Cartesia's examples use are English voices, in upper case too."""
    for written in (voice_id, voice_id.upper()):
        voice = find_voice(written)
        assert voice is not None
        assert (voice.language, voice.gender) == ("en", gender)


def test_ids_never_change() -> None:
    """An id is made of the locale and the name, for ever."""
    ids = {voice.name: voice.id for voice in VOICES}
    assert ids["Annika"] == "3356a502-76d0-5c45-9bdb-55ec6baef113"
    assert ids["Karim"] == "0f7beb3d-ecfe-5d8c-931c-e6866367ffa5"


@given(st.text())
def test_other_ids_are_nobody(voice_id: str) -> None:
    """What is no id of the catalogue finds nothing."""
    assert find_voice(voice_id) is None

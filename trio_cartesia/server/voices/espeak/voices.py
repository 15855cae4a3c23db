"""The eSpeak NG voice, pitch and pace of each voice of the catalogue and each emotion."""

from __future__ import annotations

import zlib
from typing import Final

import attrs

from trio_cartesia.server.catalogue.voices import VoiceEntry, find_voice
from trio_cartesia.server.voices.espeak.library import VoiceParameters
from trio_cartesia.server.voices.interface import Utterance

__all__ = ["LANGUAGES", "REGIONS", "TIMBRES", "emotion_profile", "language_of", "voice_parameters"]

WORDS_PER_MINUTE: Final = 160  # at speed 1; of short English words it speaks nearly 190

_SAME: Final = (  # these end in the code of their language
    "roa/fr gmw/de roa/es jpx/ja inc/hi roa/it ko gmw/nl zlw/pl zle/ru gmq/sv trk/tr zls/bg roa/ro "
    "sem/ar zlw/cs grk/el urj/fi zls/hr poz/ms zlw/sk gmq/da dra/ta zle/uk urj/hu aav/vi inc/bn "
    "tai/th sem/he ccs/ka poz/id dra/te inc/gu dra/kn dra/ml inc/mr inc/pa inc/or inc/ur"
)
LANGUAGES: Final = {  # the service's languages, and the voices that eSpeak NG has for them
    "en": "gmw/en-US",
    "pt": "roa/pt-BR",
    "zh": "sit/cmn",
    "no": "gmq/nb",
    "tl": "poz/id",  # it has no Tagalog; Indonesian is a relative, and spelt as it is spoken too
    **{identifier.rpartition("/")[2]: identifier for identifier in _SAME.split()},
}
_NEAR: Final = {  # the regions that have one voice
    "gmw/en-US": "en-US en-CA",
    "gmw/en": "en-GB en-AU en-NZ en-IE en-IN en-ZA en-SG",
    "gmw/en-029": "en-JM en-TT en-BB en-BS",
    "roa/es-419": (
        "es-MX es-CO es-AR es-CL es-PE es-VE es-EC es-GT es-CU es-BO es-DO es-UY es-PY es-US es-419"
    ),
}
REGIONS: Final = {  # where a region has a voice of its own, or one that is near
    **{region: voice for voice, regions in _NEAR.items() for region in regions.split()},
    "es-ES": "roa/es",
    "fr-FR": "roa/fr",
    "fr-BE": "roa/fr-BE",
    "fr-CH": "roa/fr-CH",
    "pt-BR": "roa/pt-BR",
    "pt-PT": "roa/pt",
    "ru-RU": "zle/ru",
    "ru-LV": "zle/ru-LV",
    "zh-CN": "sit/cmn",
    "zh-TW": "sit/cmn",
    "zh-HK": "sit/yue",
}
DIALECTS: Final = {  # accents, or else names, of voices that do not speak like their country
    "new-york": "gmw/en-US-nyc",
    "central-vietnamese": "aav/vi-VN-x-central",
    "southern-vietnamese": "aav/vi-VN-x-south",
    "Fiona": "gmw/en-GB-scotland",
    "Hamish": "gmw/en-GB-scotland",
    "Cora": "gmw/en-GB-x-gbclan",
    "Noel": "gmw/en-GB-x-gbcwmd",
}


@attrs.frozen
class Timbre:
    """The library's variants for voices of one gender, and the pitches that suit them."""

    variants: tuple[str, ...]
    lowest: int
    pitches: int


TIMBRES: Final = {  # about 165 to 235 Hz, 85 to 125 Hz, and 135 to 160 Hz
    "feminine": Timbre(("f1", "f2", "f3", "f4", "f5", "Annie", "steph"), 46, 16),
    "masculine": Timbre(("m1", "m2", "m3", "m4", "m7", "m8", "Denis"), 38, 26),
    "gender_neutral": Timbre(("f2", "f3", "f5"), 12, 8),
}


TOPS_HERTZ: Final = {"masculine": 130.0, "gender_neutral": 163.0}  # of clones


@attrs.frozen
class EmotionProfile:
    """The effect of an emotion on a voice.

    Attributes:
        pitch: Added to the pitch, of 0 to 99.
        pitch_range: Added to the range, of 0 to 99: lively voices have a wide one.
        speed: A factor.
        volume: A factor.
    """

    pitch: int = 0
    pitch_range: int = 0
    speed: float = 1.0
    volume: float = 1.0


_PROFILES: Final = {  # protocol §2.2.1
    EmotionProfile(): "neutral",
    EmotionProfile(pitch=8, pitch_range=22, speed=1.08, volume=1.1): (
        "happy excited enthusiastic elated euphoric triumphant amazed surprised flirtatious "
        "curious anticipation"
    ),
    EmotionProfile(pitch=-2, pitch_range=-10, speed=0.93, volume=0.9): (
        "content peaceful serene calm grateful affectionate trust sympathetic contemplative"
    ),
    EmotionProfile(pitch=-4, pitch_range=28, speed=1.1, volume=1.3): (
        "angry mad outraged frustrated agitated disgusted"
    ),
    EmotionProfile(pitch=-5, pitch_range=-8, speed=0.96): (
        "contempt envious sarcastic ironic distant skeptical mysterious"
    ),
    EmotionProfile(pitch=-8, pitch_range=-25, speed=0.86, volume=0.8): (
        "sad dejected melancholic disappointed hurt guilty bored tired rejected nostalgic wistful "
        "apologetic resigned"
    ),
    EmotionProfile(pitch=5, pitch_range=-6, speed=0.92, volume=0.85): "hesitant insecure confused",
    EmotionProfile(pitch=12, pitch_range=12, speed=1.14, volume=1.05): (
        "anxious panicked alarmed scared threatened"
    ),
    EmotionProfile(pitch=-3, pitch_range=10, speed=0.98, volume=1.2): "proud confident determined",
}
_PROFILE_OF: Final = {
    name: profile for profile, names in _PROFILES.items() for name in names.split()
}


def emotion_profile(emotion: str | None) -> EmotionProfile:
    """Return the profile of an emotion, which is neutral for none and for an unknown one."""
    return _PROFILE_OF.get((emotion or "neutral").lower(), EmotionProfile())


def language_of(utterance: Utterance) -> str:
    """Return the language of an utterance, without its region."""
    tag, voice = utterance.language, _entry(utterance)
    if not tag:
        return voice.language if voice else "en"
    return _parts(tag)[0]


def voice_parameters(utterance: Utterance) -> VoiceParameters:
    """Return the parameters for an utterance at speed 1, the same for equal timbres."""
    voice = _entry(utterance)
    number = zlib.crc32(utterance.timbre_id.lower().encode("utf-8", "replace"))
    clip_hertz = voice.pitch_hertz if voice else None
    kind = (voice and voice.gender) or ("feminine", "masculine")[number % 2]
    if clip_hertz is not None:
        kind = next((kind for kind, top in TOPS_HERTZ.items() if clip_hertz < top), "feminine")
    timbre, number = TIMBRES[kind], number // 2
    number, index = divmod(number, len(timbre.variants))
    number, higher = divmod(number, timbre.pitches)
    profile = emotion_profile(utterance.emotion)
    return VoiceParameters(
        voice=f"{_base(voice, utterance.language)}+{timbre.variants[index]}",
        words_per_minute=round(WORDS_PER_MINUTE * profile.speed),
        pitch=max(0, timbre.lowest + higher + profile.pitch),
        pitch_range=40 + number % 31 + profile.pitch_range,
    )


def _entry(utterance: Utterance) -> VoiceEntry | None:
    return utterance.voice or find_voice(utterance.voice_id)


def _base(voice: VoiceEntry | None, tag: str | None) -> str:
    """Return the library's voice: that of a named region, else the voice's own."""
    language, region = _parts(tag or (voice.language if voice else "en"))
    locale = f"{language}-{region}"
    if voice and locale != voice.locale and locale in REGIONS:
        return REGIONS[locale]
    if voice and language == voice.language:
        own = DIALECTS.get(voice.accent or ("" if voice.is_owned else voice.name))
        return own or REGIONS.get(voice.locale, LANGUAGES[language])
    return REGIONS.get(locale) or LANGUAGES.get(language, LANGUAGES["en"])


def _parts(tag: str) -> tuple[str, str]:
    language, _, region = tag.replace("_", "-").partition("-")
    return language.lower(), region.upper()

"""The catalogue of voices: ids, names, languages and genders.

`voices.espeak.voices` maps them to voices of eSpeak NG. Ids never change, and neither does the
order: new voices are added at the end of their language, or of the list.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Final

import attrs

from trio_cartesia.server.catalogue.accents import ACCENTS

__all__ = ["VOICES", "VoiceEntry", "find_voice", "usual_locale"]

# A locale, the id of its accent or "-" (protocol §5.2), then voices: the first letter of the
# gender, the name, and the tagline.
_TABLE: Final = """
en-US general-american | f Clara, warm and even | f Nora, bright and quick | f Judith, low and slow
en-US general-american | m Owen, friendly and plain | m Walter, deep and calm | m Dean, dry
en-US general-american | n Robin, neither high nor low | n Quinn, light and even
en-US new-york | f Gloria, direct | m Vincent, lively
en-GB british | f Harriet, clear and polite | m Edmund, measured | n Ashley, soft
en-GB - | f Fiona, Scottish | m Hamish, Scottish | f Cora, of Lancaster | m Noel, of Birmingham
en-JM - | f Ionie, Caribbean | m Delroy, Caribbean
fr-FR parisian | f Camille, smooth | m Bastien, warm | n Dominique, even
fr-BE belgian-french | f Margaux, friendly | m Thibault, calm
fr-CH - | f Aline, careful | m Luc, slow and clear
de-DE high-german | f Annika, clear | m Jonas, calm | n Kim, even
es-ES castilian | f Lucía, lively | m Álvaro, deep | n Alex, even
es-MX mexican | f Ximena, warm | m Emiliano, friendly
es-CO colombian | f Valentina, soft | m Andrés, plain
pt-BR brazilian-portuguese | f Beatriz, bright | m Thiago, relaxed | n Ariel, even
pt-PT european-portuguese | f Leonor, gentle | m Duarte, earnest
zh-CN mandarin | f Lán, clear | m Wěi, steady | n Xīn, even
zh-HK - | f Ka Yan, Cantonese | m Chi Ho, Cantonese
ja-JP standard-japanese | f Haruka, polite | m Kenji, calm
hi-IN hindi | f Ananya, warm | m Rohan, clear
it-IT italian | f Chiara, lively | m Matteo, warm
ko-KR korean | f Ji-woo, gentle | m Min-jun, steady
nl-NL randstad | f Sanne, direct | m Daan, relaxed
pl-PL polish | f Zofia, clear | m Marek, deep
ru-RU russian | f Darya, smooth | m Nikolai, deep
ru-LV - | f Ilze, careful | m Artur, plain
sv-SE stockholm | f Elsa, bright | m Axel, calm
tr-TR istanbul | f Elif, soft | m Kerem, clear
tl-PH - | f Amihan, cheerful | m Crisanto, friendly
bg-BG bulgarian | f Rayna, clear | m Boyan, deep
ro-RO romanian | f Ioana, warm | m Radu, steady
ar-SA modern-standard-arabic | f Layla, poised | m Karim, formal
cs-CZ czech | f Tereza, bright | m Ondřej, calm
el-GR thessaloniki | f Eleni, warm | m Kostas, lively
fi-FI finnish | f Aino, quiet | m Eero, even
hr-HR zagreb | f Iva, clear | m Luka, friendly
ms-MY malay | f Aisyah, gentle | m Faiz, plain
sk-SK slovak | f Zuzana, bright | m Peter, steady
da-DK danish | f Freja, light | m Anders, relaxed
ta-IN central-tamil | f Kavitha, clear | m Arun, quick
uk-UA kyiv | f Oksana, warm | m Taras, deep
hu-HU budapest | f Réka, lively | m Gábor, earnest
no-NO oslo | f Ingrid, bright | m Sindre, calm
vi-VN - | f Thu, of Hanoi | m Quang, of Hanoi
vi-VN central-vietnamese | f Hương, of Huế | m Bảo, of Huế
vi-VN southern-vietnamese | f Ngọc, of Saigon | m Phúc, of Saigon
bn-BD - | f Nasrin, soft | m Tanvir, clear
th-TH central-thai | f Malee, polite | m Somchai, friendly
he-IL israeli | f Noa, direct | m Eitan, calm
ka-GE tbilisi | f Nino, warm | m Giorgi, deep
id-ID jakarta | f Putri, cheerful | m Bagus, relaxed
te-IN telangana | f Lakshmi, clear | m Venkat, quick
gu-IN - | f Hetal, gentle | m Jignesh, plain
kn-IN southern-karnataka | f Shilpa, bright | m Manjunath, steady
ml-IN north-kerala | f Anjali, quick | m Vishnu, clear
mr-IN - | f Prachi, lively | m Sachin, plain
pa-IN - | f Simran, warm | m Gurpreet, hearty
or-IN odia | f Sasmita, gentle | m Bibhuti, calm
ur-PK urdu | f Mahnoor, poised | m Hamza, formal
"""
_GENDERS: Final = {"f": "feminine", "m": "masculine", "n": "gender_neutral"}
_FAMILY: Final = uuid.UUID("5f0d3c1e-7a44-5d0b-9c55-2f4a9d1f6b10")  # of ids made from names
_DOCUMENTED: Final = {  # ids that the examples of Cartesia's documentation and SDKs use
    "Clara": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "Nora": "e07c00bc-4134-4eae-9ea4-1a55fb45746b",
    "Owen": "a0e99841-438c-4a64-b679-ae501e7d6091",
}


@attrs.frozen(kw_only=True)
class VoiceEntry:
    """One voice (protocol §5.2), of the catalogue or of an account.

    Attributes:
        id: A UUID in lower case.
        tagline: At most 32 characters.
        language: A code of protocol §1.9.
        locale: The language and a country: ``en-GB``.
        accent: The id of an accent (protocol §5.2); None if none of them fits.
        gender: ``feminine``, ``masculine`` or ``gender_neutral``; None if it is not set.
        country: ISO 3166-1 alpha-2.
        created_at: RFC 3339.
        is_owned: Whether the voice belongs to an account, and is private.
        timbre_id: The id that pitch and variant are derived from; None for the voice's own. A
            localized voice has that of the voice it was made from.
        pitch_hertz: The pitch of the clip that it was cloned from; None if there is none.
        more_accents: The ids of accents that were attached to it.
        ready_at: The time, in seconds since 1970, before which it does not exist yet.
    """

    id: str
    name: str
    description: str
    tagline: str
    language: str
    locale: str
    accent: str | None
    gender: str | None
    country: str
    created_at: str = "2026-01-05T09:00:00Z"
    is_owned: bool = False
    timbre_id: str | None = None
    pitch_hertz: float | None = None
    more_accents: tuple[str, ...] = ()
    ready_at: float = 0.0

    @classmethod
    def owned(
        cls, *, name: str, language: str, accent: str | None, created_at: str, **others: Any
    ) -> VoiceEntry:
        """Return a new private voice; without an accent it has the usual one of its language."""
        known = ACCENTS.get(accent or "")
        locale = known.locale if known else usual_locale(language)
        values = {"description": "", "tagline": "", "gender": None, **others}
        return cls(
            id=str(uuid.uuid4()),
            name=name,
            language=language,
            locale=locale,
            accent=accent,
            country=locale.partition("-")[2],
            created_at=created_at,
            is_owned=True,
            **values,
        )

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales of its accents, the native one first."""
        others = (ACCENTS[accent].locale for accent in self.more_accents)
        return tuple(dict.fromkeys((self.locale, *others)))


def find_voice(voice_id: str) -> VoiceEntry | None:
    """Return the voice with that id, ignoring case; None if there is none."""
    return _BY_ID.get(voice_id.lower())


def usual_locale(language: str) -> str:
    """Return the locale of the first voice of a language."""
    return next(voice.locale for voice in VOICES if voice.language == language)


def _read() -> Iterator[VoiceEntry]:
    for line in _TABLE.strip().splitlines():
        head, *voices = line.split(" | ")
        locale, accent = head.split()
        for voice in voices:
            gender, _, described = voice.partition(" ")
            name, _, tagline = described.partition(", ")
            yield _entry(locale, accent, _GENDERS[gender], name, tagline)


def _entry(locale: str, accent: str, gender: str, name: str, tagline: str) -> VoiceEntry:
    language, _, country = locale.partition("-")
    return VoiceEntry(
        id=_DOCUMENTED.get(name) or str(uuid.uuid5(_FAMILY, f"{locale}/{name}")),
        name=name,
        description=f"A {gender.replace('_', ' ')} voice that speaks {locale}: {tagline}.",
        tagline=tagline.capitalize() if tagline.islower() else tagline[0].upper() + tagline[1:],
        language=language,
        locale=locale,
        accent=None if accent == "-" else accent,
        gender=gender,
        country=country,
    )


VOICES: Final = tuple(_read())
_BY_ID: Final = {voice.id: voice for voice in VOICES}

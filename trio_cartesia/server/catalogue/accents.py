"""The catalogue of accents (protocol §5.2). The ids are Cartesia's; the locales are a guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["ACCENTS", "LOCALIZABLE", "Accent"]

# A locale, then the ids of its accents: the usual one first. Those with a star can be attached to a
# voice, and a voice can be localized to them.
_TABLE: Final = """
ar-AE khaleeji
ar-SA *modern-standard-arabic arabic middle-eastern-arabic
bg-BG bulgarian
bn-BD jessore
cs-CZ czech
da-DK danish
de-CH swiss-standard
de-DE *high-german
el-GR thessaloniki
en-AU *australian
en-CA canadian-english
en-GB *british
en-IE irish
en-IN indian-english parsi
en-NZ new-zealand
en-PH manila
en-SA arabic-english
en-SG singaporean
en-US *general-american *southern-us african-american california midwestern-american new-york
en-ZA south-african
es-CL chilean
es-CO colombian
es-ES *castilian
es-MX *mexican
es-PE peruvian
fi-FI finnish
fr-BE belgian-french
fr-CA *canadian-french
fr-CI african-french
fr-FR *parisian
he-IL *israeli
hi-IN *hindi bagheli powadhi
hr-HR zagreb
hu-HU budapest
id-ID jakarta
it-IT *italian abruzzo-italian camba campania
ja-JP *japanese standard-japanese
ka-GE tbilisi
kn-IN southern-karnataka
ko-KR *korean
ml-IN north-kerala
mr-IN konkani
ms-MY malay
nl-NL *randstad
no-NO oslo
or-IN odia
pl-PL *polish
pt-BR *brazilian-portuguese
pt-PT european-portuguese
ro-MD moldovan
ro-RO romanian
ru-RU *russian
sk-SK slovak
sv-SE *stockholm
ta-IN *central-tamil
te-IN *telangana
th-TH *central-thai
tr-TR *istanbul
uk-UA kyiv
ur-IN indian-urdu
ur-PK urdu
vi-VN central-vietnamese southern-vietnamese
zh-CN *mandarin
zh-TW taiwanese-mandarin
"""


@attrs.frozen(kw_only=True)
class Accent:
    """One accent.

    Attributes:
        name: For display.
        locale: Its language and a country: ``en-GB``.
        is_locale_default: Whether it is the usual accent of its locale.
        is_localizable: Whether it can be attached to a voice, and a voice be localized to it.
    """

    id: str
    name: str
    language: str
    locale: str
    is_locale_default: bool
    is_localizable: bool


def _read() -> Iterator[Accent]:
    for line in _TABLE.strip().splitlines():
        locale, *ids = line.split()
        for place, marked in enumerate(ids):
            accent_id = marked.lstrip("*")
            yield Accent(
                id=accent_id,
                name=accent_id.replace("-", " ").title(),
                language=locale[:2],
                locale=locale,
                is_locale_default=place == 0,
                is_localizable=marked.startswith("*"),
            )


ACCENTS: Final = {accent.id: accent for accent in sorted(_read(), key=lambda accent: accent.id)}
LOCALIZABLE: Final = tuple(accent.id for accent in ACCENTS.values() if accent.is_localizable)

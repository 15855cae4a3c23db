"""Voices that an account makes: ``/voices/clone`` and ``/voices/localize`` (protocol §5.2).

A clone is a voice of the synthesiser, so it does not sound like its clip, but it is as high: its
pitch is estimated, if the clip can be decoded and has a voice. Everything else is derived from the
bytes of the clip. With a base voice, all is that of the base voice. The clip is not kept. A
localized voice has the pitch and the variant of the voice that it was made from.
"""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from trio_cartesia.server.audio.fundamental import pitch_of_clip
from trio_cartesia.server.catalogue.accents import ACCENTS, LOCALIZABLE
from trio_cartesia.server.catalogue.models import LANGUAGES
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.rest.resources import name, text, timestamp
from trio_cartesia.server.rest.voice_bodies import is_current, voice_metadata
from trio_cartesia.server.rest.voices import find_voice
from trio_cartesia.server.store.voices import add_voice

__all__ = ["clone_voice", "localize_voice"]

MAX_TAGLINE_CHARACTERS: Final = 32
TARGETS: Final = frozenset(ACCENTS[accent].language for accent in LOCALIZABLE)
GENDERS: Final = {"male": "masculine", "female": "feminine"}
DIALECTS: Final = {  # of versions that have no accents
    "en": {
        "us": "general-american",
        "uk": "british",
        "au": "australian",
        "in": "indian-english",
        "so": "southern-us",
    },
    "es": {"mx": "mexican", "pe": "castilian"},
    "pt": {"br": "brazilian-portuguese", "eu": "european-portuguese"},
    "fr": {"eu": "parisian", "ca": "canadian-french"},
}


async def clone_voice(exchange: Exchange) -> None:
    """Create a voice from a clip.

    Raises:
        APIError: A field is not valid, the base voice does not exist, or the store is full.
    """
    form = exchange.form()
    fields, clip = Fields(form.values()), form.file("clip")
    language = fields.choice("language", sorted(LANGUAGES), required=True)
    base_id = name(fields, "base_voice_id")
    base = None if base_id is None else find_voice(exchange, base_id)
    digest = hashlib.sha256(clip.content).digest()
    accent = fields.choice("accent", tuple(ACCENTS))
    if accent is not None and ACCENTS[accent].language != language:
        raise fields.field_error("accent", f"an accent of the language {language}")
    voice = VoiceEntry.owned(
        name=fields.nonempty_text("name"),
        description=text(fields, "description") or "",
        language=language,
        accent=accent,
        gender=None if base is None else base.gender,
        timbre_id=str(UUID(bytes=digest[:16])) if base is None else base.timbre_id or base.id,
        pitch_hertz=await pitch_of_clip(clip.content) if base is None else base.pitch_hertz,
        created_at=timestamp(exchange.state.clock.now()),
    )
    await _respond_new(exchange, voice)


async def localize_voice(exchange: Exchange) -> None:
    """Create a voice with the timbre of another one and another language or accent.

    Raises:
        APIError: A field is not valid, the voice does not exist, or the store is full.
    """
    fields = exchange.fields()
    source = find_voice(exchange, fields.nonempty_text("voice_id"))
    accent = ACCENTS[_read_accent(fields, is_required=is_current(exchange.version))]
    gender = fields.choice("original_speaker_gender", tuple(GENDERS))
    voice = VoiceEntry.owned(
        name=fields.nonempty_text("name"),
        description=text(fields, "description") or "",
        tagline=fields.text("tagline", longest=MAX_TAGLINE_CHARACTERS) or "",
        language=accent.language,
        accent=accent.id,
        gender=GENDERS.get(gender, source.gender),
        timbre_id=source.timbre_id or source.id,
        pitch_hertz=source.pitch_hertz,
        created_at=timestamp(exchange.state.clock.now()),
    )
    await _respond_new(exchange, voice)


def _read_accent(fields: Fields, *, is_required: bool) -> str:
    """Return the id of the target accent, which older versions name by language and dialect."""
    accent = fields.choice("accent", LOCALIZABLE, required=is_required)
    language = fields.choice("language", sorted(TARGETS), required=accent is None)
    dialects = DIALECTS.get(language or ACCENTS[accent].language, {})
    dialect = fields.choice("dialect", tuple(dialects) or ("left out",))
    if accent is None:
        usual = (each for each in LOCALIZABLE if ACCENTS[each].language == language)
        return dialects[dialect] if dialect else next(iter(dialects.values()), "") or next(usual)
    if language not in (None, ACCENTS[accent].language):
        raise fields.field_error("language", f"that of the accent, {ACCENTS[accent].language}")
    return str(accent)


async def _respond_new(exchange: Exchange, voice: VoiceEntry) -> None:
    add_voice(exchange.state.store, exchange.account.id, voice)
    await exchange.respond_json(voice_metadata(exchange, voice))

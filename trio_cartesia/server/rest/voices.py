"""``/voices``: list, get, update and delete (protocol §5.2).

The voices of the catalogue can neither be changed nor deleted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from itertools import filterfalse
from typing import Any, Final

import attrs

from trio_cartesia.server.catalogue.accents import ACCENTS
from trio_cartesia.server.catalogue.models import LANGUAGES
from trio_cartesia.server.catalogue.voices import VoiceEntry, usual_locale
from trio_cartesia.server.exchange.exchange import Exchange, status_error
from trio_cartesia.server.messages.errors import VOICE_NOT_FOUND, APIError
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.rest.resources import name, text
from trio_cartesia.server.rest.voice_bodies import voice_serializer
from trio_cartesia.server.store.voices import list_voices, remove_voice, replace_voice

__all__ = [
    "delete_voice",
    "find_voice",
    "get_all",
    "get_one",
    "own_voice",
    "patch_voice",
    "respond_voice",
]

GENDERS: Final = ("masculine", "feminine", "gender_neutral")

# letters that Unicode does not decompose; `str.casefold` knows ß
_BASES: Final = str.maketrans(
    {"æ": "ae", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "œ": "oe", "ø": "o", "þ": "th"}
)
NOT_YOURS: Final = status_error(
    403, "This voice is public: only its owner can change it. Localize or clone one to change it."
)


def find_voice(exchange: Exchange, voice_id: str) -> VoiceEntry:
    """Return the voice with that id.

    Raises:
        APIError: The account can use no voice with that id.
    """
    voice = exchange.find_voice(voice_id)
    if voice is None:
        raise APIError(VOICE_NOT_FOUND)
    return voice


def own_voice(exchange: Exchange) -> VoiceEntry:
    """Return the voice whose id is the first in the path, to change it.

    Raises:
        APIError: The account can use no voice with that id, or the voice is not its own.
    """
    voice = find_voice(exchange, exchange.ids[0])
    if not voice.is_owned:
        is_hidden = exchange.behaviour.foreign_voice == 404
        raise APIError(VOICE_NOT_FOUND if is_hidden else NOT_YOURS)
    return voice


async def get_all(exchange: Exchange) -> None:
    """Respond with a page of the voices that match the query.

    Raises:
        APIError: A parameter is not valid.
    """
    query, state = Query(exchange.request.query), exchange.state
    page = await page_of(
        list_voices(state.store, exchange.account.id),
        query,
        _matcher(query, state.clock.now()),
        newest_first=exchange.behaviour.list_order == "newest",
    )
    await exchange.respond_json(page.json(voice_serializer(exchange, query)))


async def get_one(exchange: Exchange) -> None:
    """Respond with one voice.

    Raises:
        APIError: There is no voice with that id.
    """
    await respond_voice(exchange, find_voice(exchange, exchange.ids[0]))


async def respond_voice(exchange: Exchange, voice: VoiceEntry) -> None:
    """Respond with *voice*."""
    serialize = voice_serializer(exchange, Query(exchange.request.query))
    await exchange.respond_json(serialize(voice))


async def patch_voice(exchange: Exchange) -> None:
    """Change the given fields of a voice: null clears its gender or accent.

    Raises:
        APIError: The voice is not the account's own, or a field is not valid.
    """
    voice, fields = own_voice(exchange), exchange.fields()
    changes: dict[str, Any] = {
        "name": name(fields, "name") or voice.name,
        "description": voice.description,
    }
    if (description := text(fields, "description")) is not None:
        changes["description"] = description
    if "gender" in fields.values:
        changes["gender"] = fields.choice("gender", GENDERS)
    if "accent" in fields.values:
        changes |= _accented(fields, voice)
    voice = attrs.evolve(voice, **changes)
    replace_voice(exchange.state.store, exchange.account.id, voice)
    await respond_voice(exchange, voice)


def _accented(fields: Fields, voice: VoiceEntry) -> dict[str, Any]:
    """Return the changes to *voice* for a new native accent, or for none."""
    accent = ACCENTS.get(fields.choice("accent", tuple(ACCENTS)) or "")
    if accent is not None and accent.language != voice.language:
        raise fields.field_error("accent", f"an accent of the voice's language, {voice.language}")
    locale = accent.locale if accent else usual_locale(voice.language)
    return {
        "accent": accent and accent.id,
        "locale": locale,
        "country": locale.partition("-")[2],
        "more_accents": tuple(each for each in voice.more_accents if ACCENTS[each] != accent),
    }


async def delete_voice(exchange: Exchange) -> None:
    """Delete a voice.

    Raises:
        APIError: The voice is not the account's own.
    """
    remove_voice(exchange.state.store, exchange.account.id, own_voice(exchange))
    await exchange.respond_empty()


def _matcher(query: Query, now: float) -> Callable[[VoiceEntry], bool]:
    """Return a function that returns whether a voice matches *query*, and is ready."""
    sought = _folded(query.text("q") or "")
    gender = query.choice("gender", GENDERS)
    language = query.choice("language", sorted(LANGUAGES))
    is_owner = query.flag("is_owner")

    def matches(voice: VoiceEntry) -> bool:
        return (
            voice.ready_at <= now
            and (voice.is_owned or not is_owner)
            and gender in (None, voice.gender)
            and language in (None, voice.language)
            and any(sought in _folded(part) for part in (voice.name, voice.description, voice.id))
        )

    return matches


def _folded(part: str) -> str:
    """Return *part* without case and diacritics, which a search ignores (protocol §6a E17)."""
    decomposed = unicodedata.normalize("NFKD", part)
    return "".join(filterfalse(unicodedata.combining, decomposed)).casefold().translate(_BASES)

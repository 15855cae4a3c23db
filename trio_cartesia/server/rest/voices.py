"""``GET /voices`` and ``GET /voices/{id}`` (protocol §5.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import filterfalse
from typing import Any, Final

from trio_cartesia.server.catalogue.models import CURRENT_VERSION, LANGUAGES
from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry, find_voice
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import VOICE_NOT_FOUND, APIError
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.rest.voice_previews import preview_url

__all__ = ["get_voice", "list_voices"]

GENDERS: Final = ("masculine", "feminine", "gender_neutral")
PREVIEW: Final = "preview_file_url"
STARRED: Final = "is_starred"  # until 2025-11-04

# letters that Unicode does not decompose; `str.casefold` knows ß
_BASES: Final = str.maketrans(
    {"æ": "ae", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "œ": "oe", "ø": "o", "þ": "th"}
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


async def list_voices(exchange: Exchange) -> None:
    """Respond with a page of the voices that match the query.

    Raises:
        APIError: A parameter is not valid.
    """
    query = Query(exchange.request.query)
    page = page_of(VOICES, query, _matcher(query))
    serialize = _serializer(exchange, query)
    await exchange.respond_json(page.json(serialize))


async def get_voice(exchange: Exchange) -> None:
    """Respond with one voice.

    Raises:
        APIError: There is no voice with that id.
    """
    voice = find_voice(exchange.path.rpartition("/")[2])
    if voice is None:
        raise APIError(VOICE_NOT_FOUND)
    serialize = _serializer(exchange, Query(exchange.request.query))
    await exchange.respond_json(serialize(voice))


def _matcher(query: Query) -> Callable[[VoiceEntry], bool]:
    """Return a function that returns whether a voice matches *query*."""
    text = _folded(query.text("q") or "")
    gender = query.choice("gender", GENDERS)
    language = query.choice("language", sorted(LANGUAGES))
    is_owner = query.flag("is_owner")

    def matches(voice: VoiceEntry) -> bool:
        return (
            not is_owner  # all voices are the service's own
            and gender in (None, voice.gender)
            and language in (None, voice.language)
            and any(text in _folded(part) for part in (voice.name, voice.description, voice.id))
        )

    return matches


def _folded(text: str) -> str:
    """Return *text* without case and diacritics, which a search ignores (protocol §6a E17)."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(filterfalse(unicodedata.combining, decomposed)).casefold().translate(_BASES)


def _serializer(exchange: Exchange, query: Query) -> Callable[[VoiceEntry], dict[str, Any]]:
    """Return a function that serializes voices for the request's version (protocol §1.2, §7.3 R5).

    For a version that does not exist, voices have the fields of the version before that date; for
    one that is not a date, those of the current version.
    """
    version = exchange.version
    is_current = version >= CURRENT_VERSION or not _DATE.fullmatch(version)
    expanded = query.each("expand[]", (PREVIEW,) if is_current else (PREVIEW, STARRED))

    def serialize(voice: VoiceEntry) -> dict[str, Any]:
        fields = _current(voice) if is_current else _earlier(voice)
        if PREVIEW in expanded:
            fields[PREVIEW] = preview_url(exchange, voice)
        if STARRED in expanded:
            fields[STARRED] = False
        return fields

    return serialize


def _current(voice: VoiceEntry) -> dict[str, Any]:
    return {
        "id": voice.id,
        "name": voice.name,
        "description": voice.description,
        "tagline": voice.tagline,
        "language": voice.language,
        "locales": _locales(voice),
        "accent": voice.accent,
        "gender": voice.gender,
        "country": voice.country,
        "access": "public",
        "visibility": "all",
        "is_owner": False,
        "created_at": voice.created_at,
    }


def _earlier(voice: VoiceEntry) -> dict[str, Any]:
    return {
        "id": voice.id,
        "name": voice.name,
        "description": voice.description,
        "language": voice.language,
        "locales": _locales(voice),
        "gender": voice.gender,
        "country": voice.country,
        "is_public": True,
        "is_owner": False,
        "created_at": voice.created_at,
    }


def _locales(voice: VoiceEntry) -> list[dict[str, Any]]:
    return [{"locale": voice.locale, "is_native": True}]

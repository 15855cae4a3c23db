"""
``GET /voices`` and ``GET /voices/{id}``: who can speak (protocol §5.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from trio_cartesia.server.catalogue.models import CURRENT_VERSION, LANGUAGES
from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry, find_voice
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import Refused
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.rest.voice_previews import NOT_FOUND, preview_url

__all__ = ["get_voice", "list_voices"]

GENDERS: Final = ("masculine", "feminine", "gender_neutral")
PREVIEW: Final = "preview_file_url"
STARRED: Final = "is_starred"  # until 2025-11-04

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


async def list_voices(exchange: Exchange) -> None:
    """
    Answer with a page of the voices that fit.

    Raises:
        Refused: The query says something it must not.
    """
    query = Query(exchange.request.query)
    page = page_of(VOICES, query, _wanted(query))
    shape = _shape(exchange, query)
    await exchange.respond_json(page.json(shape))


async def get_voice(exchange: Exchange) -> None:
    """
    Answer with one voice.

    Raises:
        Refused: There is none of that id, whatever the id looks like.
    """
    voice = find_voice(exchange.path.rpartition("/")[2])
    if voice is None:
        raise Refused(NOT_FOUND)
    shape = _shape(exchange, Query(exchange.request.query))
    await exchange.respond_json(shape(voice))


def _wanted(query: Query) -> Callable[[VoiceEntry], bool]:
    """
    Return whether a voice is among those that *query* asks for.
    """
    text = (query.text("q") or "").casefold()
    gender = query.choice("gender", GENDERS)
    language = query.choice("language", sorted(LANGUAGES))
    is_owner = query.flag("is_owner")

    def fits(voice: VoiceEntry) -> bool:
        return (
            not is_owner  # all voices are the service's own
            and gender in (None, voice.gender)
            and language in (None, voice.language)
            and any(text in part.casefold() for part in (voice.name, voice.description, voice.id))
        )

    return fits


def _shape(exchange: Exchange, query: Query) -> Callable[[VoiceEntry], dict[str, Any]]:
    """
    Return how voices look in the version that was asked for (protocol §1.2, §7.3 R5).

    A version that does not exist gets the shape of the one before it, or else the current one.
    """
    version = exchange.version
    is_current = version >= CURRENT_VERSION or not _DATE.fullmatch(version)
    expanded = query.each("expand[]", (PREVIEW,) if is_current else (PREVIEW, STARRED))

    def show(voice: VoiceEntry) -> dict[str, Any]:
        shown = _current(voice) if is_current else _earlier(voice)
        if PREVIEW in expanded:
            shown[PREVIEW] = preview_url(exchange, voice)
        if STARRED in expanded:
            shown[STARRED] = False
        return shown

    return show


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

"""The bodies of voices, in the shape of each API version (protocol §5.2, §1.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from trio_cartesia.server.catalogue.models import CURRENT_VERSION
from trio_cartesia.server.catalogue.voices import VoiceEntry
from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.queries import Query
from trio_cartesia.server.rest.voice_previews import preview_url

__all__ = ["is_current", "voice_metadata", "voice_serializer"]

PREVIEW: Final = "preview_file_url"
STARRED: Final = "is_starred"  # until 2025-11-04

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_current(version: str) -> bool:
    """Return whether voices have the current fields in a version (protocol §7.3 R5).

    For a version that does not exist, voices have the fields of the version before that date; for
    one that is not a date, those of the current version.
    """
    return version >= CURRENT_VERSION or not _DATE.fullmatch(version)


def voice_metadata(exchange: Exchange, voice: VoiceEntry) -> dict[str, Any]:
    """Return the response to the creation of a voice."""
    fields = _current(voice)
    names = ("id", "name", "description", "tagline", "language", "access", "visibility")
    return {
        **{name: fields[name] for name in names},
        "user_id": exchange.account.owner_id,
        "created_at": voice.created_at,
    }


def voice_serializer(exchange: Exchange, query: Query) -> Callable[[VoiceEntry], dict[str, Any]]:
    """Return a function that serializes voices for the request's version.

    Raises:
        APIError: ``expand[]`` has something that the version does not have.
    """
    is_new = is_current(exchange.version)
    expanded = query.each("expand[]", (PREVIEW,) if is_new else (PREVIEW, STARRED))

    def serialize(voice: VoiceEntry) -> dict[str, Any]:
        fields = _current(voice) if is_new else _earlier(voice)
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
        "access": "private" if voice.is_owned else "public",
        "visibility": "owner" if voice.is_owned else "all",
        "is_owner": voice.is_owned,
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
        "is_public": not voice.is_owned,
        "is_owner": voice.is_owned,
        "created_at": voice.created_at,
    }


def _locales(voice: VoiceEntry) -> list[dict[str, Any]]:
    return [{"locale": locale, "is_native": locale == voice.locale} for locale in voice.locales]

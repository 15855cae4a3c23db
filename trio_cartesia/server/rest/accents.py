"""``/accents``, and the accents of a voice (protocol §5.2)."""

from __future__ import annotations

from typing import Final

import attrs

from trio_cartesia.server.catalogue.accents import ACCENTS, LOCALIZABLE
from trio_cartesia.server.exchange.exchange import Exchange, status_error
from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.rest.voices import own_voice, respond_voice
from trio_cartesia.server.store.voices import replace_voice

__all__ = ["add_accents", "delete_accent", "list_accents"]

MAX_ACCENTS: Final = 10  # of a voice, with the native one
NOT_ATTACHED: Final = status_error(404, "The voice does not have this accent.")
NATIVE: Final = invalid("This is the native accent of the voice: change it with PATCH /voices.")


async def list_accents(exchange: Exchange) -> None:
    """Respond with all accents, sorted by id."""
    await exchange.respond_json({"accents": [attrs.asdict(each) for each in ACCENTS.values()]})


async def add_accents(exchange: Exchange) -> None:
    """Attach accents to a voice; those that it has already stay as they are.

    Raises:
        APIError: The voice is not the account's own, or the accents are not valid or too many.
    """
    voice, fields = own_voice(exchange), exchange.fields()
    given = fields.values.get("accents")
    if not isinstance(given, list) or not all(
        isinstance(accent, str) and accent in LOCALIZABLE for accent in given
    ):
        raise fields.field_error("accents", f"a list of {', '.join(LOCALIZABLE)}")
    accents = dict.fromkeys((*voice.more_accents, *given))
    accents.pop(voice.accent or "", None)
    if len(accents) >= MAX_ACCENTS:
        raise fields.field_error("accents", f"at most {MAX_ACCENTS}, with the native one")
    voice = attrs.evolve(voice, more_accents=tuple(accents))
    replace_voice(exchange.state.store, exchange.account.id, voice)
    await respond_voice(exchange, voice)


async def delete_accent(exchange: Exchange) -> None:
    """Detach an accent from a voice.

    Raises:
        APIError: The voice is not the account's own, or does not have the accent beside its native
            one.
    """
    voice, accent = own_voice(exchange), exchange.ids[1]
    if accent == voice.accent:
        raise APIError(NATIVE)
    if accent not in voice.more_accents:
        raise APIError(NOT_ATTACHED)
    accents = tuple(each for each in voice.more_accents if each != accent)
    voice = attrs.evolve(voice, more_accents=accents)
    replace_voice(exchange.state.store, exchange.account.id, voice)
    await respond_voice(exchange, voice)

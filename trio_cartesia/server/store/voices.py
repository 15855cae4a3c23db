"""The voices of an account: those of the catalogue, and its own, which are in the store."""

from __future__ import annotations

import attrs

from trio_cartesia.server.catalogue.voices import VoiceEntry, find_voice
from trio_cartesia.server.store.database import Record, Store

__all__ = ["add_voice", "find_account_voice", "list_voices", "remove_voice", "replace_voice"]

VOICE = "voice"


def list_voices(store: Store, account_id: str, now: float) -> list[VoiceEntry]:
    """Return the account's own voices that are ready at the time *now*, oldest first."""
    voices = map(_voice, store.records(VOICE, account_id))
    return [voice for voice in voices if voice.ready_at <= now]


def find_account_voice(
    store: Store, account_id: str, now: float, voice_id: str
) -> VoiceEntry | None:
    """Return the voice with that id, ignoring case; None if the account cannot use one."""
    if (voice := find_voice(voice_id)) is not None:
        return voice
    record = store.find(VOICE, account_id, voice_id.lower())
    voice = None if record is None else _voice(record)
    return None if voice is None or voice.ready_at > now else voice


def add_voice(store: Store, account_id: str, voice: VoiceEntry) -> None:
    """Store a new voice of the account.

    Raises:
        APIError: The store is full.
    """
    store.add(VOICE, account_id, voice.id, attrs.asdict(voice))


def replace_voice(store: Store, account_id: str, voice: VoiceEntry) -> None:
    """Store a new version of a voice of the account.

    Raises:
        APIError: The store is full.
    """
    if record := store.find(VOICE, account_id, voice.id):
        store.replace(VOICE, account_id, record, attrs.asdict(voice))


def remove_voice(store: Store, account_id: str, voice: VoiceEntry) -> None:
    """Remove a voice of the account."""
    if record := store.find(VOICE, account_id, voice.id):
        store.remove(VOICE, account_id, record)


def _voice(record: Record) -> VoiceEntry:
    fields = record.fields
    return VoiceEntry(**{**fields, "more_accents": tuple(fields["more_accents"])})

"""The voices of an account: those of the catalogue, and its own, which are in the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import attrs

from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry, find_voice
from trio_cartesia.server.store.database import Store
from trio_cartesia.server.store.rows import RowList

__all__ = [
    "VoiceList",
    "add_voice",
    "find_account_voice",
    "list_voices",
    "list_voices_with_id",
    "remove_voice",
    "replace_voice",
]

VOICE: Final = "voice"
PUBLIC: Final = {voice.id: place for place, voice in enumerate(VOICES, -len(VOICES))}
OWN: Final = "records WHERE kind = ? AND account = ? AND parent = ''"  # an index has them in order


@attrs.frozen
class VoiceList:
    """The voices of the catalogue, whose places are negative, and then those of an account."""

    _own: RowList[VoiceEntry]

    def place(self, voice_id: str) -> int | None:
        """Return the place of a voice; None if there is none with that id."""
        return PUBLIC[voice_id] if voice_id in PUBLIC else self._own.place(voice_id)

    def walk(self, start: int | None, *, backward: bool) -> Iterator[VoiceEntry]:
        """Yield the voices behind the place *start*, or before it, the next ones first."""
        if not backward:
            first = -len(VOICES) if start is None else start + 1
            yield from VOICES[first:] if first < 0 else ()
            yield from self._own.walk(max(0, first - 1), backward=False)
            return
        if start is None or start > 0:
            yield from self._own.walk(start, backward=True)
        yield from reversed(VOICES[: len(VOICES) + min(0, start or 0)])


def list_voices(store: Store, account_id: str) -> VoiceList:
    """Return all voices that an account can use, now or when they are ready."""
    return VoiceList(_own(store, OWN, account_id))


def list_voices_with_id(store: Store, account_id: str, voice_id: str) -> RowList[VoiceEntry]:
    """Return the list of the account's own voice with that id, which may be empty."""
    return _own(store, f"{OWN} AND id = ?", account_id, voice_id)


def _own(store: Store, rows: str, *values: str) -> RowList[VoiceEntry]:
    values = (VOICE, *values)
    return RowList(execute=store.execute, columns="fields", rows=rows, values=values, make=_voice)


def find_account_voice(
    store: Store, account_id: str, now: float, voice_id: str
) -> VoiceEntry | None:
    """Return the voice with that id, ignoring case; None if the account cannot use one."""
    if (voice := find_voice(voice_id)) is not None:
        return voice
    record = store.find(VOICE, account_id, voice_id.lower())
    voice = None if record is None else _voice(record.text)
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


def _voice(text: str) -> VoiceEntry:
    fields = json.loads(text)
    return VoiceEntry(**{**fields, "more_accents": tuple(fields["more_accents"])})

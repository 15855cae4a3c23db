"""The pronunciation dictionaries of an account, as requests for speech need them."""

from __future__ import annotations

from typing import Final

from trio_cartesia.server.catalogue.pronunciations import Pronunciation
from trio_cartesia.server.store.database import Store

__all__ = ["DICTIONARY", "find_pronunciations"]

DICTIONARY: Final = "pronunciation_dict"


def find_pronunciations(
    store: Store, account_id: str, dictionary_id: str
) -> tuple[Pronunciation, ...] | None:
    """Return the items of a dictionary; None if the account has none with that id."""
    record = store.find(DICTIONARY, account_id, dictionary_id)
    if record is None:
        return None
    return tuple(
        Pronunciation(item["text"].strip(), item["alias"], item.get("case_sensitive", False))
        for item in record.fields["items"]
    )

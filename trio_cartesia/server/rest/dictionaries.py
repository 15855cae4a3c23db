"""``/pronunciation-dicts`` (protocol §5.6)."""

from __future__ import annotations

from typing import Any, Final

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.fields import Fields
from trio_cartesia.server.rest.resources import Field, Resource, name, timestamp
from trio_cartesia.server.store.dictionaries import DICTIONARY

__all__ = ["DICTIONARIES"]

MAX_ITEMS: Final = 1000  # our own
MAX_CHARACTERS: Final = 100  # of a text or an alias (protocol §5.6)


def _items(fields: Fields, key: str) -> list[dict[str, Any]] | None:
    given = fields.values.get(key)
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > MAX_ITEMS:
        raise fields.field_error(key, f"a list of at most {MAX_ITEMS} items")
    if not all(isinstance(item, dict) for item in given):
        raise fields.field_error(key, "a list of objects")
    return [_item(Fields(item, f"{key}.")) for item in given]


def _item(fields: Fields) -> dict[str, Any]:
    """Read an item; ``pronunciation`` is the older name of ``alias``."""
    alias = "alias" if fields.values.get("pronunciation") is None else "pronunciation"
    item: dict[str, Any] = {"text": _short(fields, "text"), "alias": _short(fields, alias)}
    if fields.values.get("case_sensitive") is not None:
        item["case_sensitive"] = fields.flag("case_sensitive")
    return item


def _short(fields: Fields, key: str) -> str:
    value = fields.text(key, required=True, longest=MAX_CHARACTERS) or ""
    if not value.strip():
        raise fields.field_error(key, "a string that is not blank")
    return value


def _added(exchange: Exchange, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "owner_id": exchange.account.owner_id,
        "pinned": False,
        "created_at": timestamp(exchange.state.clock.now()),
    }


DICTIONARIES: Final = Resource(
    kind=DICTIONARY,
    title="Pronunciation dictionary",
    prefix="pdict_",
    fields={"name": Field(name, required=True), "items": Field(_items, default=[])},
    added=_added,
)

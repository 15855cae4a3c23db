"""Resources that are what clients send: create, list, get, update and delete (protocol §5, §1.6).

A `Resource` is data: its kind, its fields, and the fields that the service adds. Each account has
its own, and another account's id does not exist for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import attrs

from trio_cartesia.server.exchange.exchange import Exchange
from trio_cartesia.server.messages.errors import APIError, ErrorBody
from trio_cartesia.server.messages.fields import MAX_ID_CHARACTERS, Fields
from trio_cartesia.server.messages.queries import Query, page_of
from trio_cartesia.server.store.database import Record
from trio_cartesia.server.store.rows import RowList

__all__ = ["Field", "Resource", "name", "text", "timestamp"]

UPDATED: Final = "updated_at"
MAX_TEXT_CHARACTERS: Final = 10_000

Json = dict[str, Any]


def name(fields: Fields, key: str) -> str | None:
    """Read a text that is not empty, and not longer than an id may be."""
    value = fields.text(key, longest=MAX_ID_CHARACTERS)
    if value == "":
        raise fields.field_error(key, "a string that is not empty")
    return value


def text(fields: Fields, key: str) -> str | None:
    """Read a text of at most 10,000 characters."""
    return fields.text(key, longest=MAX_TEXT_CHARACTERS)


@attrs.frozen
class Field:
    """A field that clients set.

    Attributes:
        read: Reads and checks it; returns None if it is not set.
        required: Whether it has to be set; otherwise *default* stands for None.
    """

    read: Callable[[Fields, str], Any]
    required: bool = False
    default: Any = None

    def value(self, fields: Fields, key: str) -> Any:
        """Return the value that *fields* have for it.

        Raises:
            APIError: It is required and missing, or not valid.
        """
        value = self.read(fields, key)
        if value is None and self.required:
            raise fields.field_error(key, "given")
        return self.default if value is None else value

    def is_changed(self, fields: Fields, key: str) -> bool:
        """Return whether an update changes it: null resets no field that has a default."""
        is_reset = fields.values.get(key) is None and self.default is not None
        return key in fields.values and not is_reset


def timestamp(seconds: float) -> str:
    """Return a time in seconds since 1970 as RFC 3339."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _created(exchange: Exchange, _: Json) -> Json:
    return {"created_at": timestamp(exchange.state.clock.now())}


def _shown(_: Exchange, record: Record) -> Json:
    return {"id": record.id, **record.fields}


@attrs.frozen(kw_only=True)
class Resource:
    """One kind of resource, and its endpoints, which are handlers of requests.

    Attributes:
        kind: Its name in the store.
        title: Its name in errors, as in "Dataset not found".
        prefix: The start of its ids.
        fields: The fields that clients set, by name.
        added: Returns the fields that the service adds, and checks what depends on others. What it
            stores is stored with the resource or not at all.
        show: Returns the body of a response.
        parent: The resource whose id is the first one in the path; None if there is none.
        account: Returns the id of the account whose records a client sees.
        prepare: Called in the transaction of a change, before it.
        is_replaced: Whether an update requires the fields of a creation, and responds with 204.
    """

    kind: str
    title: str
    prefix: str
    fields: Mapping[str, Field]
    added: Callable[[Exchange, Json], Json] = _created
    show: Callable[[Exchange, Record], Json] = _shown
    parent: Resource | None = None
    account: Callable[[Exchange], str] = lambda exchange: exchange.account.id
    prepare: Callable[[Exchange], None] = lambda _: None
    is_replaced: bool = False

    async def create(self, exchange: Exchange) -> None:
        """Create one, and respond with it."""
        fields = exchange.fields()
        values = {key: field.value(fields, key) for key, field in self.fields.items()}
        record = self.add(exchange, values)
        await exchange.respond_json(self.show(exchange, record))

    def add(self, exchange: Exchange, values: Json) -> Record:
        """Store a new one with *values* and what the service adds.

        Raises:
            APIError: The parent does not exist, a value is not allowed, or the store is full.
        """
        parent, store = self._parent_id(exchange), exchange.state.store
        record_id = f"{self.prefix}{uuid4().hex}"
        with store.transaction():
            self.prepare(exchange)
            values = {**values, **self.added(exchange, values)}
            return store.add(self.kind, exchange.account.id, record_id, values, parent)

    async def list_all(self, exchange: Exchange) -> None:
        """Respond with a page of them."""
        await self.respond_page(exchange, lambda _: True)

    async def respond_page(self, exchange: Exchange, matches: Callable[[Record], bool]) -> None:
        """Respond with a page of those that match.

        Raises:
            APIError: The parent does not exist, or a parameter is not valid.
        """
        newest_first = exchange.behaviour.list_order == "newest"
        query, records = Query(exchange.request.query), self.records(exchange)
        page = await page_of(records, query, matches, newest_first=newest_first)
        await exchange.respond_json(page.json(lambda record: self.show(exchange, record)))

    def records(self, exchange: Exchange) -> RowList[Record]:
        """Return the list of all of them, oldest first.

        Raises:
            APIError: The parent does not exist.
        """
        parent = self._parent_id(exchange)
        return exchange.state.store.records(self.kind, self.account(exchange), parent)

    async def get(self, exchange: Exchange) -> None:
        """Respond with one."""
        await exchange.respond_json(self.show(exchange, self.find(exchange)))

    async def update(self, exchange: Exchange) -> None:
        """Replace the given fields of one."""
        record, fields = self.find(exchange), exchange.fields()
        changes = {
            key: field.value(fields, key)
            for key, field in self.fields.items()
            if self.is_replaced or field.is_changed(fields, key)
        }
        if UPDATED in record.fields:
            changes[UPDATED] = timestamp(exchange.state.clock.now())
        store, account = exchange.state.store, exchange.account.id
        with store.transaction():
            self.prepare(exchange)
            record = store.replace(self.kind, account, record, {**record.fields, **changes})
        if self.is_replaced:
            await exchange.respond_empty()
        else:
            await exchange.respond_json(self.show(exchange, record))

    async def delete(self, exchange: Exchange) -> None:
        """Delete one, with all that belongs to it."""
        record, store = self.find(exchange), exchange.state.store
        with store.transaction():
            self.prepare(exchange)
            store.remove(self.kind, exchange.account.id, record)
        await exchange.respond_empty()

    def find(self, exchange: Exchange, record_id: str | None = None) -> Record:
        """Return the one with that id; with None, with the last id in the path.

        Raises:
            APIError: The account has none with that id, or it belongs to another parent.
        """
        parent = self._parent_id(exchange)
        record_id = exchange.ids[-1] if record_id is None else record_id
        record = exchange.state.store.find(self.kind, self.account(exchange), record_id)
        if record is None or (self.parent and record.parent != parent):
            raise APIError(
                ErrorBody(
                    status=404,
                    title=f"{self.title} not found",
                    message=f"No {self.title.lower()} with that id is available to this account.",
                )
            )
        return record

    def _parent_id(self, exchange: Exchange) -> str:
        return "" if self.parent is None else self.parent.find(exchange, exchange.ids[0]).id

"""``trio-cartesia dictionaries``: how names and terms are spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from trio_cartesia import Cartesia
from trio_cartesia._cli.account.deleting import Ids, delete_each
from trio_cartesia._cli.account.running import (
    DEFAULTS,
    Common,
    print_json,
    print_made,
    print_table,
    record_members,
    run_request,
)
from trio_cartesia._cli.console import UsageError

if TYPE_CHECKING:
    from trio_cartesia.types import PronunciationDict

__all__ = ["app"]

app = App(name="dictionaries", help="List, show, create and delete pronunciation dictionaries.")


@app.command(name="list")
async def list_dictionaries(*, common: Common = DEFAULTS) -> int:
    """List the pronunciation dictionaries of the account.

    Args:
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        found = [each async for each in client.pronunciation_dicts.list(limit=100)]
        if common.json:
            return print_json([record_members(each) for each in found])
        rows = ((each.id, each.name, len(each.items)) for each in found)
        return print_table(("id", "name", "items"), rows)

    return await run_request(common, work)


@app.command
async def show(
    dictionary_id: Annotated[str, Parameter(name="ID")], *, common: Common = DEFAULTS
) -> int:
    """Show what a dictionary replaces.

    Args:
        dictionary_id: The id of the dictionary.
        common: See `Common`.
    """

    async def work(client: Cartesia) -> bool:
        return _print(await client.pronunciation_dicts.retrieve(dictionary_id), common)

    return await run_request(common, work)


@app.command
async def create(
    name: Annotated[str, Parameter(name="NAME")],
    *items: Annotated[str, Parameter(name="TEXT=ALIAS")],
    common: Common = DEFAULTS,
) -> int:
    """Create a dictionary, and print its id, which requests give as pronunciation_dict_id.

    Args:
        name: The name of the dictionary.
        items: A text and how it is spoken: a respelling, or phonemes between << and >>.
        common: See `Common`.
    """
    pairs = [_pair(item) for item in items]

    async def work(client: Cartesia) -> bool:
        created = await client.pronunciation_dicts.create(name=name, items=pairs)
        return print_made(common, created, created.id)

    return await run_request(common, work)


@app.command
async def delete(*ids: Ids, common: Common = DEFAULTS) -> int:
    """Delete dictionaries, and print the ids of those that were deleted.

    Args:
        ids: The ids of the dictionaries.
        common: See `Common`.
    """
    return await delete_each(common, ids, lambda client: client.pronunciation_dicts.delete)


def _pair(item: str) -> dict[str, object]:
    text, equals, alias = item.partition("=")
    if not (text and equals and alias):
        raise UsageError(f"write TEXT=ALIAS, such as 'Nginx=engine x', not {item!r}")
    return {"text": text, "alias": alias}


def _print(found: PronunciationDict, common: Common) -> bool:
    if common.json:
        return print_json(record_members(found))
    return print_table(("text", "alias"), ((item.text, item.alias) for item in found.items))

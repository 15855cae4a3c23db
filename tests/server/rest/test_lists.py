"""Long lists: what a page costs, and that a search finds the same in pages of any size."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import over_http
from tests.server.rest.support import asked, listed
from tests.server.support import on_virtual_time
from tests.support import turns_of_others
from trio_cartesia.server import Behaviour, Server
from trio_cartesia.server.catalogue.voices import VOICES, VoiceEntry
from trio_cartesia.server.messages.queries import SEARCHED
from trio_cartesia.server.store.database import Store
from trio_cartesia.server.store.voices import add_voice

MANY = 500


def add_voices(server: Server, names: list[str], **others: Any) -> list[VoiceEntry]:
    """Store a voice of the account of clients without a key for each name."""
    store, about = server._state.store, {"language": "en", "accent": None, "created_at": ""}
    made = [VoiceEntry.owned(name=name, **about, **others) for name in names]
    with store.transaction():
        for voice in made:
            add_voice(store, "", voice)
    return made


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each statement that the store executes."""
    counts: list[int] = []
    execute = Store.execute

    def counting(*args: Any) -> list[Any]:
        rows = execute(*args)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(Store, "execute", counting)
    return counts


@pytest.mark.parametrize("query", ["?is_owner=true", "?starting_after={}", "?ending_before={}"])
@on_virtual_time
async def test_a_page_costs_a_page(query: str, rows_read: list[int]) -> None:
    """A page of a long list reads about as many rows as it has, and no steps of the database grow
    with the list.
    """
    async with over_http() as (client, server):
        steps = []
        for _ in range(2):
            made = add_voices(server, ["a"] * MANY)
            target = f"/voices{query.format(made[MANY // 2].id)}"
            counted: list[None] = []
            database = server._state.store._database
            database.set_progress_handler(lambda found=counted: found.append(None), 50)
            rows_read.clear()
            page = await asked(client, f"GET {target}")
            database.set_progress_handler(None, 0)
            steps.append(len(counted))
            assert len(page["data"]) == 10
            assert sum(rows_read) < 50
        assert steps[1] <= steps[0] + 1


@on_virtual_time
async def test_others_go_on_during_a_long_search() -> None:
    """A search that reads the whole list lets other tasks run again and again."""
    async with over_http() as (client, server):
        add_voices(server, ["a"] * MANY)
        async with turns_of_others() as turns:
            assert (await asked(client, "GET /voices?q=nothing"))["data"] == []
    assert turns.count > MANY // SEARCHED


@settings(max_examples=8)
@given(
    names=st.lists(
        st.sampled_from(["Åsa", "asa two", "Clara", *"abcde"]), min_size=30, max_size=60
    ),
    sought=st.sampled_from(["asa", "CLARA", "none of them"]),
    limit=st.sampled_from([1, 7, 100]),
    order=st.sampled_from(["oldest", "newest"]),
    forward=st.booleans(),
)
@on_virtual_time
async def test_a_search_finds_the_same_in_pages(
    names: list[str], sought: str, limit: int, order: Any, forward: bool
) -> None:
    """A search over public voices and own ones finds each match once, in the order of the list, in
    pages of any size, forwards and backwards.
    """
    async with over_http(behaviour=Behaviour(list_order=order)) as (client, server):
        made = add_voices(server, names)
        everything = [*VOICES, *made][:: 1 if order == "oldest" else -1]
        expected = [
            voice.id
            for voice in everything
            if any(
                sought.lower() in text.lower().replace("å", "a")
                for text in (voice.name, voice.description)
            )
        ]
        path = f"/voices?q={quote(sought)}"
        if forward:
            found = [voice["id"] for voice in await listed(client, path, limit)]
        else:
            found, end = [], everything[-1].id
            expected = [each for each in expected if each != end]
            more = True
            while more:
                target = f"GET {path}&limit={limit}&ending_before={end}"
                page = await asked(client, target)
                found[:0] = [voice["id"] for voice in page["data"]]
                more, end = page["has_more"], page["next_page"]
        assert found == expected


@on_virtual_time
async def test_a_voice_that_is_not_ready_is_on_no_page() -> None:
    """A voice that still trains takes no place on a page, and is listed when it is ready."""
    async with over_http() as (client, server):
        now = server._state.clock.now()
        made = add_voices(server, ["a"] * 3)
        made += add_voices(server, ["b"] * 3, ready_at=now + 60)
        path = "/voices?is_owner=true"
        for seconds, ready in ((0, 3), (61, 6)):
            await trio.sleep(seconds)
            found = [voice["id"] for voice in await listed(client, path, 2)]
            assert found == [voice.id for voice in made[:ready]]

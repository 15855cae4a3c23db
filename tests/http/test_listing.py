"""Lists, page by page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.http.scripted import answer, scripted
from trio_cartesia import LocalProtocolError, RemoteProtocolError, ServiceFailed
from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time


def page(ids, *, is_last: bool, **more: object) -> list[bytes]:
    data = [{"id": name, "name": name} for name in ids]
    return answer({"data": data, "has_more": not is_last} | more)


def cursors(service, name: str) -> list[str | None]:
    queries = [parse_qs(urlsplit(asked.target).query) for asked in service.asked]
    return [query.get(name, [None])[0] for query in queries]


@given(st.lists(st.lists(st.uuids().map(str), min_size=1, max_size=3), max_size=4, unique_by=str))
@on_virtual_time
async def test_a_list_is_its_pages(pages):
    """Every item comes once, in order, each page is requested by the last id of the one before."""
    scripts = [page(ids, is_last=index == len(pages) - 1) for index, ids in enumerate(pages)]
    async with scripted(*(scripts or [page([], is_last=True)])) as (client, service):
        listing = client.voices.list(limit=7, q="x")
        found = [voice.id async for voice in listing]
        assert found == [name for ids in pages for name in ids]
        assert cursors(service, "starting_after") == [None, *(ids[-1] for ids in pages[:-1])]
        assert set(cursors(service, "limit")) == {"7"}
        assert [each async for each in listing] == []


@on_virtual_time
async def test_pages_can_be_had_one_by_one():
    """Each has its items and what the service says of the next."""
    scripts = [page("ab", is_last=False, next_page="cursor", total=3), page("c", is_last=True)]
    async with scripted(*scripts) as (client, service):
        pages = [each async for each in client.datasets.list().pages()]
    assert [[each.id for each in one.data] for one in pages] == [["a", "b"], ["c"]]
    assert pages[0].next_page == "cursor"
    assert pages[0].extra == {"total": 3}
    assert cursors(service, "starting_after") == [None, "cursor"]


@on_virtual_time
async def test_a_list_can_go_backwards():
    """The cursor is then the first id of a page."""
    async with scripted(page("ef", is_last=False), page("cd", is_last=True)) as (client, service):
        assert [one.id async for one in client.voices.list(ending_before="g")] == list("efcd")
    assert cursors(service, "ending_before") == ["g", "e"]


@pytest.mark.parametrize(
    "last", [page([], is_last=False), answer({"data": []}), answer({"data": [], "next_page": None})]
)
@on_virtual_time
async def test_an_empty_page_is_the_end(last):
    """Whatever it says of pages that follow."""
    async with scripted(page("a", is_last=False), last) as (client, _):
        assert [one.id async for one in client.voices.list()] == ["a"]


@on_virtual_time
async def test_calls_have_no_has_more():
    """Their list goes on while there is a next page (protocol §5.8)."""
    first = {"data": [{"id": "a", "agent_id": "x"}], "next_page": "a"}
    second = {"data": [{"id": "b", "agent_id": "x"}]}
    async with scripted(answer(first), answer(second)) as (client, _):
        calls = [call.id async for call in client.agents.calls.list(agent_id="x")]
    assert calls == ["a", "b"]


@on_virtual_time
async def test_a_list_that_does_not_end_is_an_error():
    """A service that names the same page again and again would hang the caller."""
    async with scripted(page("a", is_last=False)) as (client, _):
        with pytest.raises(RemoteProtocolError, match="does not end"):
            async for _ in client.voices.list():
                pass


@on_virtual_time
async def test_a_list_that_alternates_between_pages_is_an_error():
    """The error has the status and the request id, and comes after few pages."""
    scripts = [page("ab"[turn % 2], is_last=False, next_page=f"{turn % 2}") for turn in range(10)]
    for script in scripts:
        script[0] = script[0].replace(b"\r\n", b"\r\nx-request-id: r-1\r\n", 1)
    async with scripted(*scripts) as (client, service):
        with pytest.raises(RemoteProtocolError, match="does not end") as caught:
            async for _ in client.voices.list():
                pass
    assert (caught.value.status_code, caught.value.request_id) == (200, "r-1")
    assert len(service.asked) == 3


@on_virtual_time
async def test_one_task_iterates_at_a_time():
    """Another one gets an error, and the first one loses nothing."""
    scripts = [[1.0, *page("a", is_last=False)], page("b", is_last=True)]
    async with scripted(*scripts) as (client, _):
        listing, found = client.voices.list(), []

        async def iterate():
            async for one in listing:
                found.append(one.id)  # noqa: PERF401  # as below

        async with trio.open_nursery() as nursery:
            nursery.start_soon(iterate)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(LocalProtocolError, match="another task"):
                await anext(listing)
    assert found == ["a", "b"]


@on_virtual_time
async def test_a_failed_page_can_be_requested_again():
    """An error, or being cancelled, loses no item."""
    scripts = [page("a", is_last=False), answer({}, status=500), page("b", is_last=True)]
    async with scripted(*scripts) as (client, _):
        listing = client.voices.list(max_retries=0)
        assert (await anext(listing)).id == "a"
        with pytest.raises(ServiceFailed):
            await anext(listing)
        found = []

        async def rest():
            async for one in listing:
                found.append(one.id)  # noqa: PERF401  # what came before it was cancelled is kept

        await cancelled_at_each_step(rest)
        assert found == ["b"]

"""The resources that are alike: datasets, their files, fine-tunes and dictionaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.http_client import NOW, HttpClient, an_error, over_http
from tests.server.rest.support import FORM, asked, form, listed
from tests.server.support import Json, on_virtual_time
from tests.server.test_routes import ask
from trio_cartesia.server import Behaviour, open_server


@attrs.frozen
class Kind:
    """A resource: a body that creates it, changes, what it shows, and the status of a change."""

    path: str
    body: Json
    changes: Json
    shown: set[str]
    changed: int = 200


ITEM = {"text": "Llanfair", "alias": "Clan vire"}
CLARA = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
KINDS = {
    "datasets": Kind(
        "/datasets/",
        {"name": "Calls", "description": "of May"},
        {"name": "Talks", "description": ""},
        {"id", "name", "description", "created_at"},
        changed=204,
    ),
    "dictionaries": Kind(
        "/pronunciation-dicts/",
        {"name": "Places", "items": [ITEM]},
        {"items": [ITEM, {**ITEM, "case_sensitive": True}]},
        {"id", "name", "items", "created_at", "owner_id", "pinned"},
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EACH
@on_virtual_time
async def test_what_was_created_can_be_read_changed_and_deleted(kind: Kind) -> None:
    """A resource has what it was created with, and later what it was changed to, until it is
    deleted.
    """
    async with over_http() as (client, _):
        made = await asked(client, f"POST {kind.path}", kind.body)
        assert set(made) == kind.shown
        assert {key: made[key] for key in kind.body} == kind.body
        here = f"{kind.path}{made['id']}"
        assert await asked(client, f"GET {here}") == made
        changed = await client.ask("PATCH", here, kind.changes)
        assert changed.status == kind.changed
        now = await asked(client, f"GET {here}")
        assert now == {**made, **kind.changes}
        assert changed.body == b"" or changed.json == now
        assert await listed(client, kind.path) == [now]
        assert await asked(client, f"DELETE {here}") is None
        for line in (f"GET {here}", f"DELETE {here}", f"PATCH {here}"):
            answer = await client.ask(*line.split(), kind.changes)
            assert an_error(answer, 404)
        assert await listed(client, kind.path) == []


@EACH
@on_virtual_time
async def test_bodies_are_checked(kind: Kind) -> None:
    """A creation without a required field, or with one of a wrong type, is a 400 that names it,
    and nothing is stored.
    """
    async with over_http() as (client, _):
        for value in ("", 5, None):
            answer = await client.ask("POST", kind.path, {**kind.body, "name": value})
            assert an_error(answer, 400)
            assert "name" in answer.json["message"]
        for content in (b"", b"[]", b"{"):
            assert an_error(await client.ask("POST", kind.path, content), 400)
        assert await listed(client, kind.path) == []
        here = kind.path + (await asked(client, f"POST {kind.path}", kind.body))["id"]
        before = await asked(client, f"GET {here}")
        assert an_error(await client.ask("PATCH", here, {"name": None}), 400)
        assert await asked(client, f"GET {here}") == before


@pytest.mark.parametrize(
    "items",
    [
        {},
        ["word"],
        [{"text": "a"}],
        [{"alias": "a"}],
        [{"text": " ", "alias": "a"}],
        [{"text": "a" * 101, "alias": "a"}],
        [{**ITEM, "case_sensitive": "yes"}],
        [ITEM] * 1001,
    ],
)
@on_virtual_time
async def test_items_are_checked(items: Any) -> None:
    """A dictionary has at most 1,000 items, each with a short text and a short alias."""
    async with over_http() as (client, _):
        answer = await client.ask("POST", "/pronunciation-dicts/", {"name": "a", "items": items})
        assert an_error(answer, 400)
        assert "items" in answer.json["message"]


@on_virtual_time
async def test_the_older_name_of_an_alias() -> None:
    """An item may have ``pronunciation`` in place of ``alias``."""
    body = {"name": "Old", "items": [{"text": "a", "pronunciation": "b"}]}
    async with over_http() as (client, _):
        made = await asked(client, "POST /pronunciation-dicts", body)
        assert made["items"] == [{"text": "a", "alias": "b"}]
        made = await asked(client, "POST /pronunciation-dicts", {"name": "Empty"})
        assert made["items"] == []


@on_virtual_time
async def test_null_keeps_the_items_of_a_dictionary() -> None:
    """An update whose items are null, which stands for unset, changes the name alone."""
    async with over_http() as (client, _):
        made = await asked(client, "POST /pronunciation-dicts", {"name": "a", "items": [ITEM]})
        line = f"PATCH /pronunciation-dicts/{made['id']}"
        changed = await asked(client, line, {"name": "b", "items": None})
        assert changed == {**made, "name": "b"}
        assert (await asked(client, line, {"items": []}))["items"] == []


@settings(max_examples=8)
@given(
    count=st.integers(0, 7),
    limit=st.integers(1, 4),
    order=st.sampled_from(["oldest", "newest"]),
    place=st.integers(0, 6),
)
@on_virtual_time
async def test_pages_are_parts_of_the_list(count: int, limit: int, order: Any, place: int) -> None:
    """Pages of any size make up the list, in either order, and forwards and backwards from any
    resource.
    """
    async with over_http(behaviour=Behaviour(list_order=order)) as (client, _):
        ids = []
        for number in range(count):
            body = {"name": f"Number {number}", "description": ""}
            ids.append((await asked(client, "POST /datasets", body))["id"])
        expected = ids if order == "oldest" else ids[::-1]
        found = [each["id"] for each in await listed(client, "/datasets", limit)]
        assert found == expected
        if place < count:
            target = f"/datasets?limit={limit}&ending_before={expected[place]}"
            page = await asked(client, f"GET {target}")
            assert [each["id"] for each in page["data"]] == expected[:place][-limit:]
            assert page["has_more"] == (place > limit)
        target = "/datasets?starting_after=nothing"
        assert an_error(await client.ask("GET", target), 400)


@on_virtual_time
async def test_accounts_have_their_own() -> None:
    """What one key creates does not exist for another, nor for a token."""
    first, second = ([*NOW, ("x-api-key", f"sk_{number}")] for number in (1, 2))
    async with over_http(api_keys=["sk_1", "sk_2"]) as (client, _):
        for kind in KINDS.values():
            made = await asked(client, f"POST {kind.path}", kind.body, headers=first)
            here = f"{kind.path}{made['id']}"
            assert await listed(client, kind.path, headers=second) == []
            for method in ("GET", "PATCH", "DELETE"):
                answer = await client.ask(method, here, kind.changes, second)
                assert an_error(answer, 404)
            assert await asked(client, f"GET {here}", headers=first) == made
            assert an_error(await client.ask("GET", here), 401)


async def dataset_with(client: HttpClient, *names: str) -> str:
    body = {"name": "Calls", "description": ""}
    dataset = str((await asked(client, "POST /datasets", body))["id"])
    for name in names:
        content = form(("file", name, b"RIFF" * len(name)), purpose="fine_tune")
        line = f"POST /datasets/{dataset}/files"
        assert await asked(client, line, content, headers=FORM) is None
    return dataset


@on_virtual_time
async def test_files_of_a_dataset() -> None:
    """An uploaded file is listed with its name and its size, in its dataset alone, and goes with
    it.
    """
    async with over_http() as (client, server):
        one = await dataset_with(client, "a.wav", "bcd.wav")
        other = await dataset_with(client)
        files = await listed(client, f"/datasets/{one}/files")
        assert [(file["filename"], file["size"]) for file in files] == [
            ("a.wav", 20),
            ("bcd.wav", 28),
        ]
        assert set(files[0]) == {"id", "filename", "size", "created_at"}
        assert await listed(client, f"/datasets/{other}/files") == []
        wrong = f"/datasets/{other}/files/{files[0]['id']}"
        assert an_error(await client.ask("DELETE", wrong), 404)
        assert await asked(client, f"DELETE /datasets/{one}/files/{files[0]['id']}") is None
        assert await listed(client, f"/datasets/{one}/files") == files[1:]
        await asked(client, f"DELETE /datasets/{one}")
        assert an_error(await client.ask("GET", f"/datasets/{one}/files"), 404)
        assert server.statistics().records == 1
        for content in (form(purpose="fine_tune"), form(("file", "empty", b"")), b"", b"--"):
            answer = await client.ask("POST", f"/datasets/{other}/files", content, FORM)
            assert an_error(answer, 400)


FINE_TUNE = {
    "name": "Ours",
    "description": "of a caller",
    "language": "en",
    "model_id": "sonic-3-2026-01-12",
}


@on_virtual_time
async def test_a_fine_tune_trains_and_has_a_voice() -> None:
    """It trains for as long as the service says; then it has a voice, which is listed, and speaks
    with its own accent.
    """
    async with over_http(behaviour=Behaviour(training_seconds=60)) as (client, _):
        body = {**FINE_TUNE, "dataset": await dataset_with(client, "a.wav"), "accent": "british"}
        made = await asked(client, "POST /fine-tunes", body)
        here = f"/fine-tunes/{made['id']}"
        assert made == {"id": made["id"], "status": "created", **body}
        await trio.sleep(59)
        assert (await asked(client, f"GET {here}"))["status"] == "training"
        assert await listed(client, f"{here}/voices") == []
        await trio.sleep(2)
        assert (await listed(client, "/fine-tunes")) == [{**made, "status": "completed"}]
        (voice,) = await listed(client, f"{here}/voices")
        assert (voice["name"], voice["accent"], voice["is_owner"]) == ("Ours", "british", True)
        assert voice["locales"] == [{"locale": "en-GB", "is_native": True}]
        assert await asked(client, f"GET /voices/{voice['id']}") == voice
        await asked(client, f"DELETE {here}")
        assert await asked(client, f"GET /voices/{voice['id']}") == voice


@on_virtual_time
async def test_a_fine_tune_of_nothing_fails() -> None:
    """Without a file in its dataset it fails, and has no voice; without a dataset it is refused."""
    async with over_http() as (client, _):
        body = {**FINE_TUNE, "dataset": await dataset_with(client)}
        made = await asked(client, "POST /fine-tunes", body)
        await trio.sleep(10)
        failed = await asked(client, f"GET /fine-tunes/{made['id']}")
        assert failed["status"] == "failed"
        assert await listed(client, f"/fine-tunes/{made['id']}/voices") == []
        for change, status in (
            ({"dataset": "dataset_0"}, 404),
            ({"model_id": "sonic-3.6"}, 400),
            ({"language": "xx"}, 400),
            ({"accent": "British English"}, 400),
        ):
            assert an_error(await client.ask("POST", "/fine-tunes", {**body, **change}), status)
        assert len(await listed(client, "/fine-tunes")) == 1


@on_virtual_time
async def test_a_store_keeps_resources_for_the_next_run(tmp_path: Path) -> None:
    """With the same file a later run has the same resources, for the same key."""
    options: Any = {"store": tmp_path / "store.sqlite", "api_keys": ["sk_1", "sk_2"]}
    headers = [*NOW, ("x-api-key", "sk_1")]
    async with over_http(**options) as (client, _):
        kind = KINDS["datasets"]
        made = await asked(client, f"POST {kind.path}", kind.body, headers=headers)
    async with over_http(**options) as (client, server):
        assert await listed(client, kind.path, headers=headers) == [made]
        assert server.statistics().records == 1


@on_virtual_time
async def test_what_does_not_fit_leaves_nothing_behind() -> None:
    """A full store refuses a resource with 507, with all that would have been stored with it."""
    async with over_http() as (client, server):
        body = {**FINE_TUNE, "dataset": await dataset_with(client, "a.wav")}
        store = server._state.store
        store.max_records = server.statistics().records + 1  # a voice, and not its fine-tune
        before = server.statistics()
        assert an_error(await client.ask("POST", "/fine-tunes", body), 507)
        assert server.statistics() == before
        await trio.sleep(10)
        assert await listed(client, "/voices?is_owner=true") == []
        store.max_records += 1
        await asked(client, "POST /fine-tunes", body)


@on_virtual_time
async def test_a_large_upload_has_a_code() -> None:
    """An upload beyond the bound is refused with 413 and a code, before it is received."""
    async with open_server(port=None, voice="tones") as server:
        headers = [f"{name}: {value}" for name, value in FORM]
        line = "POST /datasets/dataset_1/files"
        status, _, body = await ask(server, line, *headers, f"Content-Length: {33 * 1024**2}")
        assert (status, json.loads(body)["error_code"]) == (413, "file_too_large")

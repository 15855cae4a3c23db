"""A store whose disk or file fails: requests get an error that describes it, and all go on."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.http_client import NOW, HttpClient, an_error, over_http
from tests.server.rest.support import FORM, asked, form, listed
from tests.server.support import catch_logs, on_virtual_time
from trio_cartesia.server import Server, open_server

ADMIN = [*NOW, ("x-api-key", "sk_car_admin_1")]
NEW = {"name": "a", "description": "b" * 10_000}


@contextmanager
def full_database(server: Server, _: Path) -> Iterator[None]:
    """The database may have no more pages."""
    database = server._state.store._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    yield
    database.execute(f"PRAGMA max_page_count = {2**30}")


@contextmanager
def limited_files(_: Server, store: Path) -> Iterator[None]:
    """No file of this process may grow beyond the size of the log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = store.with_name(f"{store.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(server: Server, _: Path) -> Iterator[None]:
    """The database may not be written."""
    database = server._state.store._database
    database.execute("PRAGMA query_only = ON")
    yield
    database.execute("PRAGMA query_only = OFF")


@contextmanager
def overwritten(server: Server, store: Path) -> Iterator[None]:
    """Something else writes over the file."""
    database = server._state.store._database
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = store.read_bytes()
    database.execute("PRAGMA shrink_memory")
    with store.open("r+b") as file:
        os.pwrite(file.fileno(), b"\xff" * (len(before) - 4096), 4096)
        yield
        os.pwrite(file.fileno(), before, 0)
    database.execute("PRAGMA shrink_memory")


async def use_everything(client: HttpClient, made: Any) -> list[int]:
    """The statuses of requests that use the store; each refusal has to describe itself."""
    statuses = []
    here = f"/datasets/{made['id']}"
    requests: list[tuple[str, str, Any, Any]] = [
        *(("POST", "/datasets", NEW, NOW) for _ in range(3)),
        ("PATCH", here, NEW, NOW),
        ("POST", f"{here}/files", form(("file", "a", b"a")), FORM),
        ("GET", "/datasets", b"", NOW),
        ("DELETE", here, b"", NOW),
        ("GET", "/agents", b"", NOW),
        ("GET", "/files", b"", NOW),
        ("GET", "/usage/credits", b"", ADMIN),
    ]
    for method, target, content, headers in requests:
        answer = await client.ask(method, target, content, headers)
        assert answer.status in (200, 204, 404) or an_error(answer, 500)
        if answer.status == 500:
            assert "store of the local service failed" in answer.json["message"]
        statuses.append(answer.status)
    return statuses


@pytest.mark.parametrize("fail", [full_database, limited_files, read_only, overwritten])
@on_virtual_time
async def test_a_store_that_fails_ends_no_more_than_its_request(fail: Any, tmp_path: Path) -> None:
    """While the database fails, requests that need it are refused with a 500 that describes the
    failure, speech goes on, and later requests find all that was answered before.
    """
    store = tmp_path / "store"
    async with over_http(store=store) as (client, server):
        made = [await asked(client, "POST /datasets", NEW) for _ in range(5)]
        await asked(client, "POST /pronunciation-dicts", {"name": "a"})
        with fail(server, store), catch_logs(logging.ERROR) as lines:
            statuses = await use_everything(client, made[0])
            assert 500 in statuses
            if fail is not overwritten:  # the voices are in the file
                assert (await client.bytes("Hi.")).body
        assert any("the store failed" in line for line in lines)
        assert not any("crashed" in line for line in lines)
        left = await listed(client, "/datasets")
        assert all(each in left for each in made[1:])
        assert set(await use_everything(client, made[1])) <= {200, 204}
        await client.bytes("Hi.", save=True)
        assert len(await listed(client, "/files")) == 1


@on_virtual_time
async def test_a_service_whose_store_cannot_be_made_does_not_start(tmp_path: Path) -> None:
    """A disk that is full from the start is an `OSError` that names the file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(OSError, match="store") as caught:
            async with open_server(port=None, store=tmp_path / "store"):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "store")

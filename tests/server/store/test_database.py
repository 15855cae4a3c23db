from __future__ import annotations

import contextlib
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.server.store.database import Store, open_store

IDS = st.sampled_from("abcd")
PLACES = st.tuples(st.sampled_from(["dataset", "voice"]), st.sampled_from(["one", "two"]))
FIELDS = st.dictionaries(st.text(max_size=3), st.text(max_size=20) | st.none(), max_size=3)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), PLACES, IDS, FIELDS, st.sampled_from(["", "a", "b"])),
        st.tuples(st.just("replace"), PLACES, IDS, FIELDS),
        st.tuples(st.just("remove"), PLACES, IDS),
        st.tuples(st.just("crash")),
        st.tuples(st.just("undo"), PLACES, IDS, FIELDS),
    ),
    max_size=25,
)

Model = dict[tuple[str, str, str], tuple[str, dict[str, Any]]]


def held(store: Store) -> Model:
    """All records, read one by one and as lists, which must agree."""
    found: Model = {}
    for kind in ("dataset", "voice"):
        for account in ("one", "two"):
            for parent in ("", "a", "b"):
                for record in store.records(kind, account, parent):
                    found[kind, account, record.id] = (parent, record.fields)
                    assert store.find(kind, account, record.id) == record
    return found


def copied(path: Path) -> Path:
    """A copy of the files as they are, which is all that is left of a process that was killed."""
    other = Path(tempfile.mkdtemp(dir=path.parent)) / path.name
    for name in (path.name, f"{path.name}-wal"):
        if (path.parent / name).exists():
            shutil.copy(path.parent / name, other.parent / name)
    return other


@settings(max_examples=10)  # each waits for the disk; test_kill.py has many more
@given(OPERATIONS)
def test_whatever_was_written_outlives_the_process(operations: list[Any]) -> None:
    """After any writes, and after a crash between any two of them, the store has what a dictionary
    has: no write is lost, and no half of a write is there.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stores:
        path = Path(folder) / "store.sqlite"
        store = open_store(path)
        stores.callback(store.close)
        model: Model = {}
        for operation, *arguments in operations:
            if operation == "crash":
                path = copied(path)
                store = open_store(path)
                stores.callback(store.close)
            else:
                perform(store, model, operation, *arguments)
            assert held(store) == model
            statistics = store.statistics()
            assert statistics.records == len(model)
            assert (statistics.held_bytes > 0) == bool(model)


def perform(
    store: Store, model: Model, operation: str, place: Any, record_id: str, *values: Any
) -> None:
    key = (*place, record_id)
    record = store.find(*key)
    if operation == "add" and record is None:
        fields, parent = values
        store.add(*key, fields, parent)
        model[key] = (parent, fields)
    elif operation == "replace" and record is not None:
        assert store.replace(*place, record, values[0]).fields == values[0]
        model[key] = (record.parent, values[0])
    elif operation == "remove" and record is not None:
        store.remove(*place, record)
        del model[key]
        for other, (parent, _) in list(model.items()):
            if parent == record_id and other[1] == place[1]:
                del model[other]
    elif operation == "undo" and record is None:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.add(*key, *values)
            raise ZeroDivisionError


def test_a_full_store_refuses_more() -> None:
    """Past the bounds a write is refused with 507, what is there stays, and removing makes room."""
    with contextlib.closing(open_store(None)) as store:
        store.max_records = 2
        for name in "ab":
            store.add("voice", "one", name, {})
        with pytest.raises(APIError) as caught:
            store.add("voice", "one", "c", {})
        assert caught.value.body.status == 507
        first, second = store.records("voice", "one")
        store.max_bytes = 20
        with pytest.raises(APIError):
            store.replace("voice", "one", second, {"name": "much too long for it"})
        assert [*store.records("voice", "one")] == [first, second]
        store.replace("voice", "one", first, {"a": 1})
        store.remove("voice", "one", second)
        store.add("voice", "one", "c", {})


def test_the_secret_stays_with_the_file(tmp_path: Path) -> None:
    """A secret is made once for a file, and differs from that of another."""
    secrets = set()
    for name in ("one", "one", "two"):
        with contextlib.closing(open_store(tmp_path / name)) as store:
            secrets.add(store.secret)
    assert len(secrets) == 2
    assert {len(secret) for secret in secrets} == {32}
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o600


@pytest.fixture
def bad_files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    (tmp_path / "text").write_text("This is no database. " * 100)
    with contextlib.closing(sqlite3.connect(tmp_path / "newer")) as database:
        database.execute("PRAGMA user_version = 99")
    with contextlib.closing(sqlite3.connect(tmp_path / "other")) as database:
        database.execute("CREATE TABLE invoices (id)")
    with contextlib.closing(open_store(tmp_path / "used")):
        yield {
            "is not a store": tmp_path / "text",
            "of this version": tmp_path / "newer",
            "choose another one": tmp_path / "other",
            "another service uses": tmp_path / "used",
            "No such file": tmp_path / "nowhere" / "store",
            "directory": tmp_path,
        }


def test_what_is_no_store_is_left_alone(bad_files: dict[str, Path]) -> None:
    """A file that is not a store of ours, or is in use, is an `OSError` that names it."""
    for why, path in bad_files.items():
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(OSError, match=why) as caught:
            open_store(path)
        assert caught.value.filename == str(path)
        assert before == (path.read_bytes() if path.is_file() else None)


def test_a_database_that_fails_is_an_error_of_the_service(tmp_path: Path) -> None:
    """A write that the disk refuses is a 500, and counts as not written."""
    store = open_store(tmp_path / "store")
    store._database.execute("PRAGMA query_only = ON")
    with contextlib.closing(store):
        with pytest.raises(APIError) as caught:
            store.add("voice", "one", "a", {})
        assert caught.value.body.status == 500
        assert store.statistics().records == 0
        assert [*store.records("voice", "one")] == []

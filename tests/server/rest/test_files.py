from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import soundfile
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.server.audio.test_containers import SLACK_FRAMES
from tests.server.http_client import MP3, NOW, WAV_S16, Cut, an_error, dial, over_http, speech
from tests.server.rest.support import asked, listed
from tests.server.support import S16, TWO_SENTENCES, Json, catch_logs, on_virtual_time, tones
from tests.server.tts.test_http_endpoints import LONG, Failing
from tests.support import turns_of_others
from trio_cartesia._protocol.base.audio import SampleFormat
from trio_cartesia.server.audio.containers import Audio
from trio_cartesia.server.messages.errors import APIError
from trio_cartesia.server.store.database import open_store
from trio_cartesia.server.store.file_types import PART_BYTES, NewFile, StoredFile
from trio_cartesia.server.store.files import STEP_PARTS, FileStore

KINDS = {"raw": "application/octet-stream", "wav": "audio/wav", "mp3": "audio/mpeg"}


@pytest.mark.parametrize("output", [S16, WAV_S16, MP3], ids=["raw", "wav", "mp3"])
@on_virtual_time
async def test_saved_speech_can_be_had_again(output: Json) -> None:
    """The file is what was sent, except that a WAV says its right sizes."""
    async with over_http() as (client, _):
        sent = await client.bytes(TWO_SENTENCES, output_format=output, save=True)
        file_id = sent.headers["cartesia-file-id"]
        file = await client.ask("GET", f"/files/{file_id}/download")
        info = await client.ask("GET", f"/files/{file_id}/info/")
    kind = output["container"]
    assert (file.status, file.headers["content-type"]) == (200, KINDS[kind])
    assert file.headers["content-length"] == str(len(sent.body))
    assert file.headers["content-disposition"] == f'attachment; filename="{file_id}.{kind}"'
    assert file.body[44:] == sent.body[44:]
    assert (file.body == sent.body) == (kind != "wav")
    created_at = datetime.fromisoformat(info.json.pop("created_at"))
    assert abs(datetime.now(UTC) - created_at) < timedelta(hours=1)
    assert info.json | {"created_at": ""} == {
        "id": file_id,
        "filename": f"{file_id}.{kind}",
        "size": len(file.body),
        "content_type": KINDS[kind],
        "created_at": "",
    }


@pytest.mark.parametrize("output", [S16, WAV_S16, MP3], ids=["raw", "wav", "mp3"])
@on_virtual_time
async def test_playback_can_be_played(output: Json) -> None:
    """For players each file is one that a decoder knows by itself; raw audio becomes a WAV."""
    async with over_http() as (client, _):
        sent = await client.bytes(TWO_SENTENCES, output_format=output, save=True)
        target = f"/files/{sent.headers['cartesia-file-id']}/download?format=playback"
        file = await client.ask("GET", target)
        wrong = await client.ask("GET", target + "s")
    info = soundfile.info(io.BytesIO(file.body))
    expected = await tones(TWO_SENTENCES, sample_rate=output["sample_rate"])
    assert info.samplerate == output["sample_rate"]
    assert 0 <= info.frames - len(expected) // 2 <= (SLACK_FRAMES if output is MP3 else 0)
    assert file.headers["content-type"] == ("audio/mpeg" if output is MP3 else "audio/wav")
    assert an_error(wrong, 400)


@on_virtual_time
async def test_the_head_of_a_file_can_be_asked_for() -> None:
    """HEAD tells the size without the file, and the connection goes on."""
    async with over_http() as (client, _):
        file_id = (await client.bytes("Hi.", save=True)).headers["cartesia-file-id"]
        for path in ("info", "download"):
            whole = await client.ask("GET", f"/files/{file_id}/{path}")
            head = await client.ask("HEAD", f"/files/{file_id}/{path}")
            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-length"] == str(len(whole.body))


@on_virtual_time
async def test_a_file_that_is_being_made_is_not_there_yet() -> None:
    """Its id is known before its audio is: until that is whole the answer is 409, then 200."""
    async with over_http() as (client, server), trio.open_nursery() as nursery:
        other = dial(server, nursery)
        await client.send("POST", "/tts/bytes", speech(TWO_SENTENCES * 9, save=True))
        begun = await client.begin()
        file_id = begun.headers["cartesia-file-id"]
        for path in ("info", "download"):
            assert an_error(await other.ask("GET", f"/files/{file_id}/{path}"), 409)
        body = b""
        while data := await client.receive():
            body += data
        assert (await other.ask("GET", f"/files/{file_id}/download")).body == body
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("how", ["the voice fails", "the peer leaves", "nothing was sent"])
@on_virtual_time
async def test_what_never_becomes_whole_is_no_file(how: str) -> None:
    """When the answer was cut there is no file, and nothing of it is held."""
    good = {"the voice fails": 1, "the peer leaves": 1000, "nothing was sent": 0}[how]
    async with over_http(voice=Failing(good)) as (client, server):
        files = server._state.files
        if how == "the voice fails":
            with pytest.raises(Cut):
                await client.bytes(TWO_SENTENCES, save=True)
        elif how == "nothing was sent":
            answer = await client.bytes(TWO_SENTENCES, save=True)
            assert an_error(answer, 500)
            assert "cartesia-file-id" not in answer.headers
        else:
            await client.send("POST", "/tts/bytes", speech(LONG, save=True))
            assert "cartesia-file-id" in (await client.begin()).headers
            assert files.statistics().files == 1
            await client.stream.aclose()
        await wait_all_tasks_blocked()
        statistics = files.statistics()
        assert (statistics.files, statistics.held_bytes) == (0, 0)


@on_virtual_time
async def test_files_belong_to_accounts() -> None:
    """Only a key of the account that made it finds a file; a token is not enough, nor is
    nothing.
    """
    first, second = (("authorization", f"Bearer sk_{number}") for number in (1, 2))
    async with over_http(api_keys=["sk_1", "sk_2"]) as (client, _):
        made = await client.ask("POST", "/tts/bytes", speech("Hi.", save=True), [*NOW, first])
        grants = {"grants": {"tts": True}, "expires_in": 60}
        token = (await client.ask("POST", "/access-token", grants, [*NOW, first])).json["token"]
        bearer = ("authorization", f"Bearer {token}")
        for path in ("info", "download"):
            target = f"/files/{made.headers['cartesia-file-id']}/{path}"
            assert (await client.ask("GET", target, b"", [*NOW, first])).status == 200
            assert an_error(await client.ask("GET", target, b"", [*NOW, second]), 404)
            assert an_error(await client.ask("GET", target, b"", [*NOW, bearer]), 403)
            assert an_error(await client.ask("GET", target), 401)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /files/file_0/info", 404),
        ("GET /files/file_0/download", 404),
        ("DELETE /files/file_0/download", 405),
        ("POST /files", 501),
        ("GET /files/file_0", 404),
        ("DELETE /files/file_0", 404),
        ("POST /links", 400),
        ("GET /links/file_0.x", 404),
    ],
)
@on_virtual_time
async def test_other_files_are_not_there(line: str, status: int) -> None:
    """An id that nobody has is not found, and what the service cannot do yet it says."""
    async with over_http() as (client, _):
        assert an_error(await client.ask(*line.split()), status)


@on_virtual_time
async def test_files_are_listed_and_deleted() -> None:
    """Complete files are listed, page by page, and a deleted one is gone."""
    async with over_http() as (client, server):
        ids = []
        for text in ("One.", "Two.", "Three."):
            made = await client.bytes(text, save=True)
            ids.append(made.headers["cartesia-file-id"])
        files = await listed(client, "/files", limit=2)
        assert [file["id"] for file in files] == ids
        assert await asked(client, f"GET /files/{ids[0]}") == files[0]
        assert await asked(client, f"DELETE /files/{ids[0]}") is None
        assert an_error(await client.ask("GET", f"/files/{ids[0]}/download"), 404)
        newest = [("x-behaviour", "list_order=newest"), *NOW]
        assert await listed(client, "/files", headers=newest) == files[:0:-1]
        statistics = server.statistics()
        assert statistics.files == 2
        assert statistics.file_bytes == sum(file["size"] for file in files[1:])
        told = await asked(client, "GET /_local/state")
        assert {**told["store"], "recognition": told["recognition"]} == attrs.asdict(statistics)


@pytest.mark.parametrize(
    ("asked_for", "place"),
    [("0-0", (0, 1)), ("100-199", (100, 200)), ("70000-", (70000, None)), ("-10", (-10, None))],
)
@on_virtual_time
async def test_a_range_of_a_file(asked_for: str, place: tuple[int, int | None]) -> None:
    """A range is that part of the file, with its place; one beyond the end is 416."""
    async with over_http() as (client, _):
        file_id = (await client.bytes(LONG[:200], save=True)).headers["cartesia-file-id"]
        target = f"/files/{file_id}/download"
        whole = (await client.ask("GET", target)).body
        part = await client.ask("GET", target, b"", [*NOW, ("range", f"bytes={asked_for}")])
        beyond = await client.ask("GET", target, b"", [*NOW, ("range", f"bytes={len(whole)}-")])
    expected = whole[slice(*place)]
    assert (part.status, part.body) == (206, expected)
    assert part.headers["content-length"] == str(len(expected))
    bytes_sent = range(len(whole))[slice(*place)]
    shown = f"bytes {bytes_sent[0]}-{bytes_sent[-1]}/{len(whole)}"
    assert part.headers["content-range"] == shown
    assert an_error(beyond, 416)
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"


@on_virtual_time
async def test_a_link_needs_no_key_and_expires() -> None:
    """A link returns the file to everybody until its lifetime has passed, or the file is gone."""
    key = [*NOW, ("x-api-key", "sk_1")]
    async with over_http(api_keys=["sk_1"]) as (client, server):
        made = await client.ask("POST", "/tts/bytes", speech("Hi.", save=True), key)
        file_id = made.headers["cartesia-file-id"]
        urls = [
            (await asked(client, "POST /links", {"file_id": file_id, **life}, headers=key))["url"]
            for life in ({}, {"lifetime": "2m"})
        ]
        paths = [url.removeprefix("http://localhost") for url in urls]
        with catch_logs(logging.INFO) as lines:
            for path in paths:
                assert (await client.ask("GET", path)).body == made.body
        assert server.journal.requests[-1].path == "/links/..."
        assert not any(path in line for line in lines for path in paths)
        await trio.sleep(121)
        assert (await client.ask("GET", paths[0])).body == made.body
        assert an_error(await client.ask("GET", paths[1]), 404)
        for lifetime in ("0h", "8d", "24", "h", "-1h"):
            body = {"file_id": file_id, "lifetime": lifetime}
            assert an_error(await client.ask("POST", "/links", body, key), 400)
        await asked(client, f"DELETE /files/{file_id}", headers=key)
        assert an_error(await client.ask("GET", paths[0]), 404)


RAW = Audio(container="raw", samples=SampleFormat(encoding="pcm_s16le", sample_rate=8000))


@contextmanager
def file_store(**bounds: int) -> Iterator[FileStore]:
    """A store of files in memory."""
    with closing(open_store(None)) as store:
        yield FileStore(store, **bounds)


def contents(files: FileStore, file: StoredFile) -> bytes:
    """All bytes of a file."""
    return b"".join(files.read(file, range(file.size_bytes)))


@on_virtual_time
async def test_a_file_has_a_hundred_links() -> None:
    """Of more links than that the oldest are dropped."""
    with file_store() as store:
        made = store.begin("one", RAW)
        await store.complete(made)
        file = store.find("one", made.id)
        links = [store.add_link(file, 1.0) for _ in range(103)]
        for link in links[3:]:
            assert store.find_link(link, 0.0) == file
        for link in links[:3]:
            with pytest.raises(APIError):
                store.find_link(link, 0.0)


@given(
    sizes=st.lists(st.lists(st.integers(0, 60), max_size=5), max_size=8),
    max_files=st.integers(1, 3),
    max_bytes=st.integers(1, 150),
)
@on_virtual_time
async def test_the_store_keeps_the_newest_within_its_bounds(
    sizes: list[list[int]], max_files: int, max_bytes: int
) -> None:
    """There are never more files or bytes than the bounds allow; the oldest go first, and what is
    left is whole.
    """
    with file_store(max_files=max_files, max_bytes=max_bytes) as store:
        held: list[tuple[str, int]] = []
        for parts in sizes:
            file = store.begin("one", RAW)
            for part in parts:
                store.add(file, bytes(part))
                statistics = store.statistics()
                assert statistics.files <= max_files
                assert statistics.held_bytes <= max_bytes
            await store.complete(file)
            held.append((file.id, sum(parts)))
        kept = list(store.files_of("one"))
        sizes_kept = [(file.id, file.size_bytes) for file in kept]
        assert sizes_kept == held[len(held) - len(kept) :]
        statistics = store.statistics()
        assert statistics.held_bytes == sum(file.size_bytes for file in kept)
        assert statistics.dropped_files == len(held) - len(kept)
        for file in kept:
            assert contents(store, file) == bytes(file.size_bytes)


def test_small_pieces_do_not_stay_pieces() -> None:
    """A file of very small pieces is held in few parts."""
    with file_store() as store:
        file = store.begin("one", RAW)
        for _ in range(1000):
            store.add(file, bytes(PART_BYTES // 100))
        assert len(file.parts) <= 11
        assert file.size_bytes == 1000 * (PART_BYTES // 100)


def large_file(files: FileStore) -> NewFile:
    """A file that is stored in several steps."""
    file = files.begin("one", RAW)
    for number in range(3 * STEP_PARTS):
        files.add(file, bytes([number]) * PART_BYTES)
    return file


@pytest.mark.parametrize("steps", range(6))
@on_virtual_time
async def test_a_file_is_stored_whole_or_not_at_all(steps: int, tmp_path: Path) -> None:
    """Whenever the storage of a large file is cancelled, or the process is killed meanwhile, the
    file is there with all its bytes, or not there at all; and it takes no space then.
    """
    live = tmp_path / "live"
    live.mkdir()
    with closing(open_store(live / "store")) as store:
        files = FileStore(store)
        file = large_file(files)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(files.complete, file)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                assert files.files_of("one").place(file.id) is None or steps > 3
                shutil.copytree(live, tmp_path / "killed")
                scope.cancel()
        with closing(open_store(tmp_path / "killed" / "store")) as other:
            for each in (files, FileStore(other)):
                await each.erase_removed()
                kept = [contents(each, stored) for stored in each.files_of("one")]
                assert kept in ([], [b"".join(file.parts)])
                assert each.statistics().files == len(kept) + (each is files) * (not kept)
                parts = each._store.execute("SELECT COUNT(*) FROM file_parts")
                assert parts == [(len(kept) * 3 * STEP_PARTS,)]


@on_virtual_time
async def test_a_large_file_keeps_nobody_waiting() -> None:
    """While a large file is stored or deleted, other tasks run after each part of it, and a file
    that is dropped meanwhile leaves nothing behind.
    """
    with file_store() as files:
        async with turns_of_others() as turns:
            file = large_file(files)
            await files.complete(file)
            assert turns.count >= 3
            files.remove(files.find("one", file.id))
            with pytest.raises(APIError):
                files.find("one", file.id)
            turns.count = 0
            await files.erase_removed()
            assert turns.count >= 3
        file = large_file(files)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(files.complete, file)
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            files.discard(file)
        assert files.statistics().held_bytes == files.statistics().files == 0
        assert files._store.execute("SELECT COUNT(*) FROM file_parts") == [(0,)]


@on_virtual_time
async def test_saved_speech_outlives_the_service(tmp_path: Path) -> None:
    """With a store, the next run has the files, their metadata and their links, for the same key,
    and a file that was not complete is not there.
    """
    first, second = ([*NOW, ("x-api-key", f"sk_{number}")] for number in (1, 2))
    options = {"api_keys": ["sk_1", "sk_2"], "store": tmp_path / "store"}
    async with over_http(**options) as (client, _):
        made = await client.ask("POST", "/tts/bytes", speech("Hi.", save=True), first)
        (file,) = await listed(client, "/files", headers=first)
        link = await asked(client, "POST /links", {"file_id": file["id"]}, headers=first)
        content = (await client.ask("GET", f"/files/{file['id']}/download", b"", first)).body
        await client.send("POST", "/tts/bytes", speech(TWO_SENTENCES * 9, save=True), first)
        await client.begin()
    assert len(content) == len(made.body) > 0
    async with over_http(**options) as (client, server):
        assert server._state.files.statistics().held_bytes == file["size"]
        assert await listed(client, "/files", headers=first) == [file]
        assert await listed(client, "/files", headers=second) == []
        path = f"/files/{file['id']}"
        assert (await client.ask("GET", f"{path}/download", b"", first)).body == content
        assert (
            await client.ask("GET", link["url"].removeprefix("http://localhost"))
        ).body == content
        await asked(client, f"DELETE {path}", headers=first)
    async with over_http(**options) as (client, server):
        assert await listed(client, "/files", headers=first) == []
        assert server._state.files.statistics().held_bytes == 0


@on_virtual_time
async def test_a_file_that_cannot_be_stored_is_not_announced(tmp_path: Path) -> None:
    """If the database fails, the response ends early, and there is no file."""
    async with over_http(store=tmp_path / "store") as (client, server):
        server._state.store._database.execute("PRAGMA query_only = ON")
        with pytest.raises(Cut):
            await client.bytes("Hi.", save=True)
        assert server._state.files.statistics().held_bytes == 0


@on_virtual_time
async def test_a_file_deleted_while_it_is_read_is_reported() -> None:
    """The rest of a file that is gone is an error, not the end of the file."""
    with file_store() as store:
        made = store.begin("one", RAW)
        store.add(made, bytes(3 * PART_BYTES))
        await store.complete(made)
        file = store.find("one", made.id)
        pieces = store.read(file, range(file.size_bytes))
        assert len(next(pieces)) == PART_BYTES
        store.remove(file)
        with pytest.raises(APIError):
            next(pieces)


@pytest.mark.parametrize("good", [1, 1000], ids=["cut", "whole"])
@on_virtual_time
async def test_what_is_too_large_for_the_store_is_heard_all_the_same(good: int) -> None:
    """An answer that the store cannot hold is sent as any other, and there is no file of it."""
    async with over_http(voice=Failing(good)) as (client, server):
        files = server._state.files
        files.max_bytes = 1000
        await client.send("POST", "/tts/bytes", speech(TWO_SENTENCES, save=True))
        file_id = (await client.begin()).headers["cartesia-file-id"]
        body = await client.receive()
        with suppress(Cut):
            while data := await client.receive():
                body += data
        assert body == server.journal.contexts[0].audio
        assert (files.statistics().held_bytes, files.statistics().dropped_files) == (0, 1)
        if good > 1:
            assert body == await tones(TWO_SENTENCES)
            assert an_error(await client.ask("GET", f"/files/{file_id}/info"), 404)

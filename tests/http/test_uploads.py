"""Multipart forms, as a parser that is not ours reads them."""

from __future__ import annotations

import errno
import gc
import io
import tempfile
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.http.scripted import answer, scripted
from trio_cartesia import LocalProtocolError
from trio_cartesia._http.multipart import Multipart, form_fields
from trio_cartesia._http.uploads import source_of
from trio_cartesia.testing import on_virtual_time
from trio_cartesia.types import UploadFile

VOICE = answer({"id": "v", "name": "n"})


def parts_of(asked) -> list[tuple[str, str | None, str | None, bytes]]:
    """Return name, filename, type and contents of each part of a request."""
    head = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + asked.body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part["content-type"] and part.get_content_type(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


async def pieces_of(data: bytes):  # noqa: ASYNC124  # it has to be async
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


FORMS = {
    "bytes": lambda data, _: data,
    "path": lambda _, path: path,
    "text path": lambda _, path: str(path),
    "file": lambda data, _: io.BytesIO(data),
    "iterable": lambda data, _: pieces_of(data),
    "named": lambda data, _: UploadFile(content=data, filename='a "b".flac'),
}


@pytest.mark.parametrize("form", FORMS)
async def test_whatever_is_uploaded_arrives(form, tmp_path):
    """Its bytes, its name and its type, behind the fields; its progress is reported."""
    data = bytes(range(256)) * 1000
    path = tmp_path / "clip.wav"
    path.write_bytes(data)
    reports = []
    async with scripted(VOICE) as (client, service):
        await client.voices.clone(
            clip=FORMS[form](data, path), name="ä", language="en", extra_body={"access": "private"},
            progress=lambda sent, size: reports.append((sent, size)),
        )  # fmt: skip
    (asked,) = service.asked
    *fields, (name, filename, kind, contents) = parts_of(asked)
    assert [(name, value.decode()) for name, _, _, value in fields] == [
        ("name", "ä"),
        ("language", "en"),
        ("access", "private"),
    ]
    assert (name, contents) == ("clip", data)
    expected = {"path": "clip.wav", "text path": "clip.wav", "named": "a %22b%22.flac"}
    assert filename == expected.get(form, "upload")
    assert kind in (
        "audio/x-wav",
        "audio/wav",
        "audio/flac",
        "audio/x-flac",
        "application/octet-stream",
    )
    is_sized = form != "iterable"
    assert ("content-length" in asked.headers) == is_sized
    assert reports[-1] == (len(data), len(data) if is_sized else None)
    assert len(reports) > 1


@given(
    st.dictionaries(st.text(min_size=1, max_size=5).filter(str.isprintable), st.text(max_size=20)),
    st.lists(st.binary(max_size=300), max_size=3),
)
def test_a_form_says_its_size(fields, files):
    """The size that is announced is the size that is sent."""
    sources = [(f"f{index}", source_of(data, "f")) for index, data in enumerate(files)]
    form = Multipart(fields=form_fields(fields), files=sources)

    async def written() -> bytes:
        return b"".join([piece async for piece in form])

    assert form.size_bytes == len(trio.run(written))


async def test_a_file_is_sent_from_where_it_is_and_again_from_there():
    """An open file is read from its position, also when the upload is repeated."""
    file = io.BytesIO(b"skippedrest")
    file.seek(7)
    async with scripted(answer({}, status=429, retry_after="0"), VOICE) as (client, service):
        await client.voices.clone(clip=file, name="n", language="en")
    assert [parts_of(asked)[-1][3] for asked in service.asked] == [b"rest", b"rest"]


def closed_file(path):
    file = path.open("rb")
    file.close()
    return file


class AsyncFile:
    async def read(self, _):
        raise AssertionError


NO_FILES = {
    "closed": closed_file,
    "for writing": lambda path: path.open("ab"),
    "text": lambda path: path.open(),
    "wrapped text": lambda path: tempfile.NamedTemporaryFile("w+", dir=path.parent),  # noqa: SIM115  # closed there
    "text in memory": lambda _: io.StringIO("text"),
    "async": lambda _: AsyncFile(),
    "without sizes": lambda _: type("Whole", (), {"read": lambda _: b""})(),
}


@pytest.mark.parametrize("form", NO_FILES)
async def test_a_file_that_cannot_be_read_is_refused_before(form, tmp_path):
    """The error names the parameter, and nothing is sent."""
    path = tmp_path / "clip.wav"
    path.write_bytes(b"audio")
    content = NO_FILES[form](path)
    async with scripted(VOICE) as (client, service):
        with pytest.raises(LocalProtocolError, match=r"clip .*must be a path, bytes, a file"):
            await client.voices.clone(clip=content, name="n", language="en")
        assert service.connections == 0
    if hasattr(content, "close"):
        content.close()


async def test_a_path_without_permission_is_refused_before(tmp_path, monkeypatch):
    """The error has the path and the system's reason."""
    path = tmp_path / "clip.wav"
    path.write_bytes(b"audio")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    async with scripted(VOICE) as (client, service):
        with pytest.raises(LocalProtocolError, match=r"clip is .*Permission denied"):
            await client.voices.clone(clip=path, name="n", language="en")
        assert service.connections == 0


CHANGES = {  # of a file of so many bytes, once it was measured, and the size that is found
    "longer": (1000, lambda path: path.write_bytes(b"x" * 1500), "1000 bytes .* at least 1500 "),
    "shorter": (1000, lambda path: path.write_bytes(b"x" * 10), "1000 bytes .* and 10 "),
    "empty": (1000, lambda path: path.write_bytes(b""), "1000 bytes .* and 0 "),
    "much longer": (200_000, lambda path: path.write_bytes(b"x" * 300_000), "200000 bytes .* 2"),
    "much shorter": (200_000, lambda path: path.write_bytes(b"x" * 99_000), "200000 .* 99000 "),
}


@pytest.mark.parametrize("form", ["path", "file"])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_file_that_changes_ends_its_upload(change, form, tmp_path):
    """The error names the part and both sizes, and the next request works."""
    size, change_file, found = CHANGES[change]
    path = tmp_path / "clip.wav"
    path.write_bytes(b"x" * size)

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        change_file(path)
        return "token"

    with path.open("rb") as file:
        async with scripted(VOICE, token=create) as (client, service):
            with pytest.raises(LocalProtocolError, match=f"clip had {found}") as caught:
                await client.voices.clone(
                    clip=path if form == "path" else file, name="n", language="en"
                )
            assert client.statistics().connections_open == 0
            assert client.statistics().requests_sent == 1
            assert service.asked == []
            assert "was sent in part" in caught.value.anew().next_step
            await client.voices.get("v")


async def test_a_file_that_is_removed_ends_its_upload(tmp_path):
    """The error names the part."""
    path = tmp_path / "clip.wav"
    path.write_bytes(b"audio")

    async def create() -> str:  # noqa: ASYNC124  # it has to be async
        path.unlink()
        return "token"

    async with scripted(VOICE, token=create) as (client, _):
        with pytest.raises(LocalProtocolError, match=r"clip cannot be read .*No such file"):
            await client.voices.clone(clip=path, name="n", language="en")
        assert client.statistics().connections_open == 0


async def test_a_file_that_is_closed_ends_its_upload():
    """Here, between two attempts."""
    file = io.BytesIO(b"audio")
    async with scripted(answer({}, status=429, retry_after="0"), VOICE) as (client, service):
        with pytest.raises(LocalProtocolError, match=r"clip cannot be read .*closed"):
            await client.voices.clone(
                clip=file, name="n", language="en", on_response=lambda _: file.close()
            )
        assert len(service.asked) == 1
        assert client.statistics().connections_open == 0


@on_virtual_time
async def test_a_generator_of_pieces_is_closed():
    """Whatever ends the upload: here, the caller's deadline."""
    closed = []

    async def pieces():
        try:
            yield b"one"
            await trio.sleep_forever()
        finally:
            closed.append(1)

    async with scripted(VOICE) as (client, _):
        with trio.move_on_after(1):
            await client.voices.clone(clip=pieces(), name="n", language="en")
    gc.collect(0)
    assert closed == [1]


@on_virtual_time
async def test_an_error_of_the_pieces_is_raised_as_it_is():
    """An exception of the caller's iterable is not translated."""

    async def pieces():  # noqa: ASYNC124  # it has to be async
        yield b"one"
        raise KeyError

    async with scripted(VOICE) as (client, _):
        with pytest.raises(KeyError):
            await client.voices.clone(clip=pieces(), name="n", language="en")


@on_virtual_time
async def test_pieces_must_be_bytes():
    """Text is an error of the call."""

    async def pieces():  # noqa: ASYNC124  # it has to be async
        yield "text"

    async with scripted(VOICE) as (client, _):
        with pytest.raises(LocalProtocolError, match="must yield bytes") as caught:
            await client.voices.clone(clip=pieces(), name="n", language="en")
        assert "was sent in part" in caught.value.next_step

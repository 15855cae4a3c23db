"""What can be uploaded: files by path, bytes, open files, and asynchronous iterables."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs
import trio

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = ["Progress", "Source", "Upload", "UploadFile", "cut_short", "source_of"]

READ_BYTES: Final = 64 * 2**10
CUT_SHORT: Final = "Fix the file and call again: the request was sent in part, so nothing was done."
DEFAULT_NAME: Final = "upload"
DEFAULT_TYPE: Final = "application/octet-stream"
ALLOWED: Final = (
    "a path, bytes, a file that is open for reading in binary mode, or an async iterable of bytes"
)

Progress = Callable[[int, int | None], object]


@attrs.frozen(kw_only=True)
class UploadFile:
    """Contents to upload, with a name and a type that they do not have by themselves.

    Attributes:
        content: As in `Upload`.
        filename: The name that the service sees; if None, that of the file, or ``"upload"``.
        content_type: The type; if None, it is guessed from the name.
    """

    content: str | os.PathLike[str] | bytes | BinaryIO | AsyncIterable[bytes] = attrs.field(
        repr=False
    )
    filename: str | None = None
    content_type: str | None = None


# a path, the contents, a file that is open for reading in binary mode, or the contents in pieces
Upload = str | os.PathLike[str] | bytes | BinaryIO | AsyncIterable[bytes] | UploadFile


@attrs.frozen(kw_only=True)
class Source:
    """Something to upload.

    Attributes:
        filename: The name that the service sees.
        content_type: Its type.
        size_bytes: Its size, or None if that is not known before.
        can_repeat: Whether it can be read again.
    """

    filename: str
    content_type: str
    size_bytes: int | None
    can_repeat: bool
    _read: Callable[[], AsyncIterator[bytes]] = attrs.field(repr=False)

    def read(self) -> AsyncIterator[bytes]:
        """Yield its contents from the start."""
        return self._read()


def source_of(value: object, name: str) -> Source:
    """Return what a caller gave as an upload.

    Raises:
        LocalProtocolError: It is none, there is no such file, or that cannot be read.
    """
    given = value if isinstance(value, UploadFile) else UploadFile(content=value)  # type: ignore[arg-type]  # checked below
    content: Any = given.content
    filename = given.filename or DEFAULT_NAME
    if isinstance(content, (bytes, bytearray, memoryview)):
        data = bytes(content)
        return _source(given, filename, len(data), True, lambda: _of_bytes(data))
    if isinstance(content, (str, os.PathLike)):
        path = Path(content)
        return _source(
            given,
            given.filename or path.name,
            _size_of(path, name),
            True,
            lambda: _of_path(path, name),
        )
    if isinstance(content, AsyncIterable):
        return _source(given, filename, None, False, lambda: _of_pieces(content, name))
    _check_file(content, name)
    own = getattr(content, "name", None)
    if given.filename is None and isinstance(own, str):
        filename = Path(own).name or DEFAULT_NAME
    start, size = _rest_of(content)
    return _source(given, filename, size, size is not None, lambda: _of_file(content, start, name))


def _source(
    given: UploadFile,
    filename: str,
    size_bytes: int | None,
    can_repeat: bool,
    read: Callable[[], AsyncIterator[bytes]],
) -> Source:
    checks.text(filename, "the name of a file")
    kind = given.content_type or mimetypes.guess_type(filename)[0] or DEFAULT_TYPE
    return Source(
        filename=filename,
        content_type=checks.printable(kind, "content_type"),
        size_bytes=size_bytes,
        can_repeat=can_repeat,
        read=read,
    )


def _size_of(path: Path, name: str) -> int:
    try:
        if path.is_file():
            with path.open("rb") as file:  # so that it can be read is known, too
                return os.fstat(file.fileno()).st_size
        why = "there is no such file"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not a path"
    raise LocalProtocolError(f"{name} is {checks.quoted(str(path))}: {why}")


def _check_file(file: Any, name: str) -> None:
    read = getattr(file, "read", None)
    is_binary = False
    if callable(read) and not iscoroutinefunction(read):
        with _readable(name):
            is_binary = isinstance(read(0), (bytes, bytearray))
    if not is_binary:
        raise LocalProtocolError(f"{name} must be {ALLOWED}, not {type(file).__name__}")


def cut_short(message: str) -> LocalProtocolError:
    """Return the error of an upload that ends before its request is complete."""
    error = LocalProtocolError(message)
    error.next_step = CUT_SHORT
    return error


@contextmanager
def _readable(
    name: str, failed: Callable[[str], LocalProtocolError] = LocalProtocolError
) -> Iterator[None]:
    """Turn the errors of reading a file into `LocalProtocolError`, which *failed* makes."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise failed(f"{name} cannot be read ({error}): it must be {ALLOWED}") from error


def _rest_of(file: BinaryIO) -> tuple[int | None, int | None]:
    """Return the position of a file and the size of what follows, if it can seek."""
    try:
        if not file.seekable():
            return None, None
        start = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(start)
    except (OSError, ValueError, AttributeError):
        return None, None
    return start, end - start


async def _of_bytes(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), READ_BYTES):
        yield data[start : start + READ_BYTES]
    await trio.lowlevel.checkpoint()


async def _of_path(path: Path, name: str) -> AsyncIterator[bytes]:
    with _readable(name, cut_short):
        file = await trio.to_thread.run_sync(path.open, "rb")
    with file:
        while data := await _read(file, name):
            yield data  # noqa: ASYNC119  # the form closes this, whatever ends it


async def _of_file(file: BinaryIO, start: int | None, name: str) -> AsyncIterator[bytes]:
    if start is not None:
        with _readable(name, cut_short):
            await trio.to_thread.run_sync(file.seek, start)
    while data := await _read(file, name):
        yield data


async def _read(file: BinaryIO, name: str) -> bytes:
    with _readable(name, cut_short):
        return await trio.to_thread.run_sync(file.read, READ_BYTES)


async def _of_pieces(pieces: AsyncIterable[bytes], name: str) -> AsyncIterator[bytes]:
    async with AsyncExitStack() as stack:
        if isinstance(pieces, AsyncGenerator):
            stack.push_async_callback(pieces.aclose)
        async for piece in pieces:
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise cut_short(f"{name} must yield bytes, not {type(piece).__name__}")
            if len(piece):
                yield bytes(piece)  # noqa: ASYNC119  # likewise

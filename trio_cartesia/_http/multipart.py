"""Multipart forms that are sent while they are read (RFC 7578, protocol §1.6).

A file is read in a thread, piece by piece, and asynchronous iterables are parts like any other;
those of httpx2 read files in the thread of the run, and take no iterables.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._http.uploads import Progress, Source, cut_short
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.reading import to_wire

__all__ = ["Multipart", "form_fields", "plain_text"]

Fields = Sequence[tuple[str, str]]

_QUOTED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # WHATWG HTML 4.10.22.8


def _progress(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise LocalProtocolError(
            f"{field.name} must be a function of the bytes that were sent and their size, not "
            f"{type(value).__name__}"
        )


@attrs.frozen(kw_only=True)
class Multipart:
    """A form with files, which come after the fields.

    Attributes:
        fields: Names and values.
        files: Names of fields, and what to upload in them.
        progress: Called with the bytes of files that were sent, and the size of all, or None if
            that is not known.
        boundary: The line between two parts.
    """

    fields: Fields = attrs.field(repr=False)
    files: Sequence[tuple[str, Source]]
    progress: Progress | None = attrs.field(default=None, validator=_progress)
    boundary: str = attrs.field(factory=lambda: secrets.token_hex(16))

    @property
    def content_type(self) -> str:
        """Its type."""
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def can_repeat(self) -> bool:
        """Whether it can be sent again."""
        return all(source.can_repeat for _, source in self.files)

    @property
    def size_bytes(self) -> int | None:
        """Its size, or None if that is not known before."""
        files = self._file_bytes
        if files is None:
            return None
        heads = sum(len(self._head(name, source)) + 2 for name, source in self.files)
        return len(self._written_fields) + heads + files + len(self._end)

    def with_fields(self, fields: Fields) -> Multipart:
        """Return this form with more fields, which take the place of others of the same name."""
        if not fields:
            return self
        names = {name for name, _ in fields}
        kept = [field for field in self.fields if field[0] not in names]
        return attrs.evolve(self, fields=[*kept, *fields])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it in pieces.

        Raises:
            LocalProtocolError: A file cannot be read, or has another size than before.
        """
        if self.fields:
            yield self._written_fields
        sent, size = 0, self._file_bytes
        for name, source in self.files:
            yield self._head(name, source)
            start = sent
            async with aclosing(cast("Any", source.read())) as pieces:
                async for piece in pieces:
                    sent += len(piece)
                    _check_size(name, source, sent - start, is_whole=False)
                    yield piece  # noqa: ASYNC119  # httpcore2 closes this, whatever ends it
                    if self.progress is not None:
                        self.progress(sent, size)
            _check_size(name, source, sent - start, is_whole=True)
            yield b"\r\n"
        yield self._end

    @property
    def _file_bytes(self) -> int | None:
        sizes = [source.size_bytes for _, source in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def _written_fields(self) -> bytes:
        return b"".join(
            f"--{self.boundary}\r\n{_disposition(name)}\r\n\r\n{value}\r\n".encode()
            for name, value in self.fields
        )

    def _head(self, name: str, source: Source) -> bytes:
        filename = source.filename.translate(_QUOTED)
        return (
            f'--{self.boundary}\r\n{_disposition(name)}; filename="{filename}"\r\n'
            f"Content-Type: {source.content_type}\r\n\r\n"
        ).encode()

    @property
    def _end(self) -> bytes:
        return f"--{self.boundary}--\r\n".encode()


def _check_size(name: str, source: Source, read_bytes: int, *, is_whole: bool) -> None:
    size = source.size_bytes
    if size is not None and (read_bytes > size or (is_whole and read_bytes < size)):
        raise cut_short(
            f"{name} had {size} bytes before the upload, and {'' if is_whole else 'at least '}"
            f"{read_bytes} when it was read: do not change a file while it is sent"
        )


def _disposition(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name.translate(_QUOTED)}"'


def form_fields(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return values as fields: members of an object have its name and their own in brackets.

    Raises:
        LocalProtocolError: A value cannot be a field.
    """
    fields: list[tuple[str, str]] = []
    for name, value in values.items():
        written = to_wire(value, name)
        if isinstance(written, dict):
            fields += form_fields({f"{name}[{member}]": each for member, each in written.items()})
        elif isinstance(written, list):
            fields += [(f"{name}[]", plain_text(each, name)) for each in written]
        elif written is not None:
            fields.append((name, plain_text(written, name)))
    return fields


def plain_text(value: object, name: str) -> str:
    """Return a value of a form or a query as text.

    Raises:
        LocalProtocolError: It is neither text, a number, a truth value nor a time.
    """
    written = to_wire(value, name)
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, (int, float)):
        return str(written)
    return checks.text(written, name)

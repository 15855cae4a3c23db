"""Multipart forms that are sent while they are read (RFC 7578, protocol §1.6).

A file is read in a thread, piece by piece, and asynchronous iterables are parts like any other;
those of httpx2 read files in the thread of the run, and take no iterables.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, cast

import attrs

from trio_cartesia._http.uploads import Progress, Source
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.rest.reading import to_wire

__all__ = ["Multipart", "form_fields", "plain_text"]

Fields = Sequence[tuple[str, str]]

_QUOTED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # WHATWG HTML 4.10.22.8


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
    progress: Progress | None = None
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
        """Yield it in pieces."""
        if self.fields:
            yield self._written_fields
        sent, size = 0, self._file_bytes
        for name, source in self.files:
            yield self._head(name, source)
            async with aclosing(cast("Any", source.read())) as pieces:
                async for piece in pieces:
                    yield piece  # noqa: ASYNC119  # httpcore2 closes this, whatever ends it
                    sent += len(piece)
                    if self.progress is not None:
                        self.progress(sent, size)
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
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return checks.text(value, name)

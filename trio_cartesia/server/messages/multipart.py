"""Read bodies of the type ``multipart/form-data`` (RFC 7578, protocol §1.6)."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from typing import Final

import attrs

from trio_cartesia.server.messages.errors import APIError, invalid

__all__ = ["Form", "FormFile", "read_form"]

MAX_PARTS: Final = 100
MAX_HEADER_BYTES: Final = 8 * 1024
MALFORMED: Final = invalid(
    f"The body is not valid multipart/form-data of at most {MAX_PARTS} parts."
)
NOT_A_FORM: Final = invalid("The body must be multipart/form-data, with a boundary.")


@attrs.frozen
class FormFile:
    """A part with a file name."""

    filename: str
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")


@attrs.frozen(kw_only=True)
class Form:
    """The parts of a form.

    Attributes:
        texts: The values of each field without a file name, in order.
        files: The files, by field; of several with one name, the last.
    """

    texts: dict[str, list[str]] = attrs.field(factory=dict, repr=False)
    files: dict[str, FormFile] = attrs.field(factory=dict)

    def values(self) -> dict[str, str]:
        """Return the first value of each field that is not empty; an empty one counts as unset."""
        found = {name: next(filter(None, texts), "") for name, texts in self.texts.items()}
        return {name: text for name, text in found.items() if text}

    def file(self, name: str) -> FormFile:
        """Return a required file, which has at least a byte.

        Raises:
            APIError: It is missing or empty.
        """
        file = self.files.get(name)
        if file is None or not file.content:
            raise APIError(invalid(f"{name} must be a file that is not empty."))
        return file


def read_form(content_type: str, body: bytes) -> Form:
    """Parse the body of a request.

    Raises:
        APIError: It is not a valid form, or has too many parts.
    """
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        raise APIError(NOT_A_FORM)
    form = Form()
    for header, content in _parts(body, boundary.encode("utf-8", "replace")):
        _add(form, header, content)
    return form


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the header and the content of each part."""
    delimiter = b"\r\n--" + boundary
    _, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)  # the first may begin the body
    for part in parts:
        if part.startswith(b"--"):
            return
        padding, _, rest = part.partition(b"\r\n")
        header, ends, content = rest.partition(b"\r\n\r\n")
        if padding.strip(b" \t") or not ends or len(header) > MAX_HEADER_BYTES:
            break
        yield header, content
    raise APIError(MALFORMED)  # or there are too many parts


def _add(form: Form, header: bytes, content: bytes) -> None:
    try:
        message = HeaderParser().parsestr(header.decode())
    except UnicodeDecodeError as error:
        raise APIError(MALFORMED) from error
    name = message.get_param("name", header="content-disposition")
    if message.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise APIError(MALFORMED)
    filename = message.get_filename()
    if filename is not None:
        form.files[name] = FormFile(filename, content)
        return
    try:
        form.texts.setdefault(name, []).append(content.decode())
    except UnicodeDecodeError as error:
        raise APIError(invalid("A field of the form is not UTF-8.")) from error

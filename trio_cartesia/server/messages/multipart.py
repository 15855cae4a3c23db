"""Parse bodies of the type ``multipart/form-data`` (RFC 7578, protocol §1.6).

A body is at hand as a whole, and `trio_cartesia.server.net.http1` limits its size; here its parts
and their headers are limited. What is not exactly a form is refused, because a lenient parser
would store audio that was cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from typing import Any, Final

import attrs

from trio_cartesia.server.messages.errors import APIError, invalid
from trio_cartesia.server.messages.fields import Dialect, Fields

__all__ = ["Form", "FormFile", "is_form", "read_form"]

FORM: Final = "multipart/form-data"
MAX_PARTS: Final = 100
MAX_PART_HEADER_BYTES: Final = 8 * 1024
MAX_TEXT_BYTES: Final = 1024 * 1024
MAX_SEMICOLONS: Final = 50  # of a header: the time of email's parser is their number times its size
MALFORMED: Final = invalid(
    f"The body is not valid multipart/form-data of at most {MAX_PARTS} parts."
)
NOT_A_FORM: Final = invalid("The body must be multipart/form-data, with a boundary.")
BOUNDARY: Final = re.compile(r"[\x20-\x7e]{0,69}[\x21-\x7e]")  # RFC 2046 §5.1.1, and a little more
INNER: Final = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")  # output_format[container]


@attrs.frozen
class FormFile:
    """A part with a file name.

    Attributes:
        filename: As it was sent, without blanks around it; it may be empty, or a path.
        content_type: In lower case, without parameters; ``text/plain`` if the part has none.
    """

    filename: str = attrs.field(repr=False)
    content: bytes = attrs.field(repr=lambda content: f"<{len(content)} bytes>")
    content_type: str


@attrs.frozen(kw_only=True)
class Form:
    """The parts of a form.

    Attributes:
        texts: The values of each field without a file name, in order; names keep their brackets.
        files: The files, by field; of several with one name, the last.
    """

    texts: dict[str, list[str]] = attrs.field(factory=dict, repr=False)
    files: dict[str, FormFile] = attrs.field(factory=dict)

    def values(self) -> dict[str, str]:
        """Return the first value of each field that is not empty; an empty one counts as unset."""
        found = {name: next(filter(None, texts), "") for name, texts in self.texts.items()}
        return {name: text for name, text in found.items() if text}

    def fields(self, dialect: Dialect) -> Fields:
        """Return `values` as the fields of an object, where ``a[b]`` is the field ``b`` of ``a``.

        Choices may be numbers; all other values are text.

        Raises:
            APIError: A field has both a value and fields of its own.
        """
        nested: dict[str, Any] = {}
        for name, text in self.values().items():
            match = INNER.fullmatch(name)
            outer, inner = match.groups() if match else (name, "")
            place = nested.setdefault(outer, {}) if inner else nested
            if not isinstance(place, dict) or (inner or outer) in place:
                raise APIError(invalid(f"{outer[:80]} has both a value and fields of its own."))
            place[inner or outer] = text
        return _FormFields(nested, dialect=dialect)

    def file(self, name: str) -> FormFile:
        """Return a required file, which has at least a byte.

        Raises:
            APIError: It is missing or empty.
        """
        file = self.files.get(name)
        if file is None or not file.content:
            raise APIError(invalid(f"{name} must be a file that is not empty."))
        return file


class _FormFields(Fields):
    """Fields whose values are text."""

    def choice(self, name: str, choices: Any, *, required: bool = False) -> Any:
        by_text = {str(choice): choice for choice in choices}
        value = self.values.get(name)
        known = attrs.evolve(self, values={name: by_text.get(str(value), value)})
        return super(_FormFields, known).choice(name, choices, required=required)


def is_form(content_type: str) -> bool:
    """Return whether that is the content type of a form."""
    return content_type.partition(";")[0].strip().lower() == FORM


def read_form(content_type: str, body: bytes) -> Form:
    """Parse the body of a request.

    Args:
        content_type: The header of the request.
        body: The body of the request.

    Raises:
        APIError: It is not a valid form, or has too many parts.
    """
    try:
        boundary = _boundary(content_type)
    except ValueError as error:
        raise APIError(NOT_A_FORM) from error
    if not is_form(content_type) or not boundary or not BOUNDARY.fullmatch(boundary):
        raise APIError(NOT_A_FORM)
    form = Form()
    for header, content in _parts(body, boundary.encode("ascii")):
        _add(form, header, content)
    return form


def _boundary(content_type: str) -> str | None:
    _check_semicolons(content_type)
    message = Message()
    message["content-type"] = content_type
    return message.get_boundary()


def _check_semicolons(header: str) -> None:
    if header.count(";") > MAX_SEMICOLONS:
        raise ValueError("a header has too many parameters")


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the header and the content of each part."""
    delimiter = b"\r\n--" + boundary
    start = len(delimiter) - 2
    for _ in range(MAX_PARTS + 1) if body.startswith(delimiter[2:]) else ():
        if body[start : start + 5] in (b"--", b"--\r\n"):
            return
        stop = body.find(delimiter, start)
        blank = body.find(b"\r\n\r\n", start, min(stop, start + MAX_PART_HEADER_BYTES))
        if min(stop, blank) < 0 or not body.startswith(b"\r\n", start):
            break
        yield body[start + 2 : blank], body[blank + 4 : stop]
        start = stop + len(delimiter)
    raise APIError(MALFORMED)  # or there are too many parts


def _add(form: Form, header: bytes, content: bytes) -> None:
    try:
        text = header.decode()
        _check_semicolons(text)
        message = HeaderParser().parsestr(text)
        name = message.get_param("name", header="content-disposition")
        filename = message.get_filename()
    except ValueError as error:  # also of a charset, or of the number of a parameter (RFC 2231)
        raise APIError(MALFORMED) from error
    if message.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise APIError(MALFORMED)
    if filename is not None:
        form.files[name] = FormFile(filename, content, message.get_content_type())
        return
    if len(content) > MAX_TEXT_BYTES:
        raise APIError(invalid(f"A field of the form has more than {MAX_TEXT_BYTES} bytes."))
    try:
        form.texts.setdefault(name, []).append(content.decode())
    except UnicodeDecodeError as error:
        raise APIError(invalid("A field of the form is not UTF-8.")) from error

"""
Who asks: an API key or an access token, and the headers of every request (protocol §1.2, §1.3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final, NoReturn

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = [
    "DEFAULT_VERSION",
    "PLAIN_VOICE_SINCE",
    "Credential",
    "Headers",
    "check_headers",
    "parse_header_lines",
    "request_headers",
    "version_of",
]

DEFAULT_VERSION: Final = "2026-08-14"
PLAIN_VOICE_SINCE: Final = "2026-08-14"  # before it, a voice is an object (protocol §1.2)

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110's names of headers
_OURS: Final = frozenset({"authorization", "cartesia-version", "user-agent", "x-api-key"})
_FRAMING: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@attrs.frozen
class Credential:
    """A key or token; what it is shows nowhere but in the request."""

    _secret: str = attrs.field(repr=False)

    @classmethod
    def choose(cls, api_key: str | None, token: str | None) -> Credential | None:
        """
        Take the one that was given.

        Raises:
            LocalProtocolError: Both were given, or it cannot stand in a header.
        """
        if api_key is not None and token is not None:
            raise LocalProtocolError("give api_key or token, not both")
        name, secret = ("api_key", api_key) if token is None else ("token", token)
        if secret is None:
            return None
        secret = checks.text(secret, name).strip()
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise LocalProtocolError(f"{name} must be printable ASCII without spaces")
        return cls(secret)

    @property
    def authorization(self) -> str:
        """The ``Authorization`` header's value."""
        return f"Bearer {self._secret}"


class Headers(list[tuple[str, str]]):
    """Headers to be sent. They hold a credential: no repr shows them, and they are not pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "a client holds a credential and cannot be copied or pickled: make another Cartesia"
        )


def version_of(version: object) -> str:
    """
    Check an API version, a date.

    Raises:
        LocalProtocolError: It is not of the form ``YYYY-MM-DD``.
    """
    text = checks.text(version, "version")
    try:
        is_date = date.fromisoformat(text).isoformat() == text  # other forms are read too
    except ValueError:
        is_date = False
    if not is_date:
        raise LocalProtocolError("version must be a date such as '2026-08-14'")
    return text


def parse_header_lines(lines: str) -> dict[str, str]:
    """
    Read the lines of ``CARTESIA_CUSTOM_HEADERS``, each ``Name: value`` (protocol §1.1).

    Raises:
        LocalProtocolError: A line is not of this form, or its header cannot be sent.
    """
    headers = {}
    for line in lines.splitlines():
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                raise LocalProtocolError("CARTESIA_CUSTOM_HEADERS: a line is not 'Name: value'")
            headers[name.strip()] = value.strip()
    return check_headers(headers)


def request_headers(
    *, version: str, user_agent: str, credential: Credential | None, extra: Mapping[str, str]
) -> Headers:
    """
    Return the headers that every request carries, with the *extra* ones, which were checked.
    """
    headers = Headers([("Cartesia-Version", version), ("User-Agent", user_agent)])
    if credential is not None:
        headers.append(("Authorization", credential.authorization))
    headers.extend(extra.items())
    return headers


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """
    Return headers that can be sent.

    Raises:
        LocalProtocolError: One has no proper name or value, or is not for callers to set. Values
            are not quoted: they may be secrets.
    """
    if not isinstance(headers, Mapping):
        raise LocalProtocolError("headers must be a mapping of names to values")
    for name, value in headers.items():
        _check_header(name, value)
    return dict(headers)


def _check_header(name: object, value: object) -> None:
    name, value = checks.text(name, "a header's name"), checks.text(value, "a header's value")
    if not _TOKEN.fullmatch(name):
        raise LocalProtocolError("a header's name has characters that are not allowed")
    if name.lower() in _OURS | _FRAMING or name.lower().startswith("sec-websocket"):
        raise LocalProtocolError(f"the header {name} is not for callers to set")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise LocalProtocolError(
            f"the value of header {name} must be printable ASCII, with no blanks around"
        )

"""API keys, access tokens and the headers that every request carries (protocol §1.2, §1.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """An API key or an access token; it shows in nothing but the request."""

    _secret: str = attrs.field(repr=False)

    @classmethod
    def choose(
        cls, api_key: str | None, token: str | None, key_name: str = "api_key"
    ) -> Credential | None:
        """Return the one that was given, or None.

        Args:
            api_key: A key, or None.
            token: A token, or None.
            key_name: The parameter or variable that the key is from, for messages.

        Raises:
            LocalProtocolError: Both were given, or it cannot be a header's value.
        """
        if api_key is not None and token is not None:
            raise LocalProtocolError("give api_key or token, not both")
        name, secret = (key_name, api_key) if token is None else ("token", token)
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

    def replaced(self, given: Iterable[tuple[str, str]]) -> Headers:
        """Return them with *given* ones, which replace those of the same names in any case."""
        given = Headers(given)
        names = {name.lower() for name, _ in given}
        return Headers([*(each for each in self if each[0].lower() not in names), *given])

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError(
            "a client holds a credential and cannot be copied or pickled: make another Cartesia"
        )


def version_of(version: object) -> str:
    """Return *version* if it is a date.

    Raises:
        LocalProtocolError: It does not have the form ``YYYY-MM-DD``.
    """
    text = checks.text(version, "version")
    try:
        is_date = date.fromisoformat(text).isoformat() == text  # it parses other forms, too
    except ValueError:
        is_date = False
    if not is_date:
        raise LocalProtocolError("version must be a date such as '2026-08-14'")
    return text


def parse_header_lines(lines: str) -> dict[str, str]:
    """Parse the lines of ``CARTESIA_CUSTOM_HEADERS``, each ``Name: value`` (protocol §1.1).

    Raises:
        LocalProtocolError: A line does not have this form, or its header cannot be sent.
    """
    headers = {}
    for line in lines.splitlines():
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                raise LocalProtocolError(
                    "each line of CARTESIA_CUSTOM_HEADERS must be 'Name: value'"
                )
            headers[name.strip()] = value.strip()
    return check_headers(headers)


def request_headers(
    *, version: str, user_agent: str, credential: Credential | None, extra: Mapping[str, str]
) -> Headers:
    """Return the headers that every request carries, then the checked *extra* ones."""
    headers = Headers([("Cartesia-Version", version), ("User-Agent", user_agent)])
    if credential is not None:
        headers.append(("Authorization", credential.authorization))
    headers.extend(extra.items())
    return headers


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return *headers* if they can be sent.

    Raises:
        LocalProtocolError: One has an invalid name or value, or is set by this package alone.
            Values are not quoted, since they may be secrets.
    """
    if not isinstance(headers, Mapping):
        raise LocalProtocolError("headers must be a mapping of names to values")
    for name, value in headers.items():
        _check_header(name, value)
    return dict(headers)


def _check_header(name: object, value: object) -> None:
    name, value = checks.text(name, "a header's name"), checks.text(value, "a header's value")
    if not _TOKEN.fullmatch(name):
        raise LocalProtocolError(
            "a header's name must have letters, digits and !#$%&'*+.^_`|~- only"
        )
    if name.lower() in _OURS | _FRAMING or name.lower().startswith("sec-websocket"):
        raise LocalProtocolError(f"the header {name} is set by this package and cannot be given")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise LocalProtocolError(
            f"the value of header {name} must be printable ASCII, with no spaces around it"
        )

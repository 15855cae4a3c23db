"""HTTP requests as values, and the checks of a request before its endpoint handles it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

MAX_QUERY_FIELDS: Final = 200  # there may be 100 keyterms (protocol §4.2)

Headers = Iterable[tuple[str, str]]

# RFC 9110 §7.2, without percent-encoding and zone ids, which clients do not send. trio-websocket
# omits the brackets of an IPv6 address.
HOST: Final = re.compile(
    r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._~!$&'()*+,;=-]*))(?::[0-9]*)?"
    r"|(?P<bare>[0-9a-f]*(?::[0-9a-f]*){2,7}(?::[0-9]+)?)",
    re.IGNORECASE,
)


class HTTPError(Exception):
    """The request is not valid HTTP, or not valid for its path.

    Attributes:
        status: The status of the response.
        headers: Headers that the response must have.
        code: The ``error_code`` of the response; most have none.
    """

    def __init__(
        self, status: int, message: str, headers: Headers = (), *, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)
        self.code = code


@attrs.frozen(kw_only=True)
class Request:
    """One HTTP request.

    Attributes:
        path: Decoded, without the query.
        query: All values of each parameter, in order.
        headers: Names in lower case; repeated headers are joined by commas.
    """

    method: str
    path: str
    query: Mapping[str, list[str]] = attrs.field(factory=dict, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    http_version: str = "1.1"
    body: bytes = attrs.field(default=b"", repr=lambda body: f"<{len(body)} bytes>")

    @property
    def host(self) -> str:
        """The host in the request: a name in lower case or an address, without the port.

        Raises:
            HTTPError: The Host header is not valid.
        """
        match = HOST.fullmatch(self.headers.get("host", ""))
        try:
            if match is None:
                raise ValueError
            if match["address"] is not None:
                return str(IPv6Address(match["address"]))
            return (match["name"] or match["bare"] or "").lower()
        except ValueError as error:
            raise HTTPError(400, "The header Host is neither a name nor an address.") from error

    def parameter(self, name: str) -> str:
        """Return the first value of a query parameter that is not empty, or an empty string."""
        return next(filter(None, self.query.get(name, ())), "")

    def tokens(self, header: str) -> set[str]:
        """Return the comma-separated tokens of *header*, in lower case."""
        return {token.strip().lower() for token in self.headers.get(header, "").split(",")}


def check_framing(request: Request) -> None:
    """Refuse a request with an ambiguous end, which a proxy may parse differently (RFC 9112 §6.1).

    Raises:
        HTTPError: It has a Transfer-Encoding together with a Content-Length, or in HTTP/1.0.
    """
    if "transfer-encoding" not in request.headers:
        return
    if "content-length" in request.headers:
        raise HTTPError(400, "Transfer-Encoding and Content-Length exclude each other: send one.")
    if request.http_version != "1.1":
        raise HTTPError(400, "Transfer-Encoding needs HTTP/1.1.")


def check_handshake(request: Request) -> None:
    """Check that *request* is a WebSocket handshake (RFC 6455 §4.2.1).

    Raises:
        HTTPError: It is not; with status 426 if the client has to upgrade or use another version.
    """
    is_upgrade = "upgrade" in request.tokens("connection")
    if not is_upgrade or "websocket" not in request.tokens("upgrade"):
        headers = [("upgrade", "websocket"), ("connection", "upgrade")]
        raise HTTPError(426, "This address is for WebSockets.", headers)
    if request.http_version != "1.1":
        raise HTTPError(426, "A WebSocket needs HTTP/1.1.", [("upgrade", "websocket")])
    if request.headers.get("sec-websocket-version") != "13":
        headers = [("sec-websocket-version", "13")]
        raise HTTPError(426, "Only version 13 of the WebSocket protocol is supported.", headers)
    try:
        key = base64.b64decode(request.headers.get("sec-websocket-key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise HTTPError(400, "Sec-WebSocket-Key is not 16 bytes of base64.")


def parse_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """Return the path and the query of a request target.

    Raises:
        HTTPError: The target is not valid, or has too many parameters.
    """
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise HTTPError(400, "The address of the request cannot be parsed.") from error
    return unquote(parts.path), query

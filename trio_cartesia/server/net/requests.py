"""
HTTP requests as values, and what makes one of them an opening handshake.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

MAX_QUERY_FIELDS: Final = 100

Headers = Iterable[tuple[str, str]]


class HTTPError(Exception):
    """
    What came is not a request that can be served, whoever asks.

    Attributes:
        status: The HTTP status to answer with.
        headers: What the answer must carry.
    """

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)


@attrs.frozen(kw_only=True)
class Request:
    """
    One HTTP request.

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

    def tokens(self, header: str) -> set[str]:
        """
        Return the comma-separated tokens of *header*, in lower case.
        """
        return {token.strip().lower() for token in self.headers.get(header, "").split(",")}


def check_handshake(request: Request) -> None:
    """
    Raise `HTTPError` unless *request* asks for a WebSocket as RFC 6455 §4.2.1 wants it.
    """
    asks = "websocket" in request.tokens("upgrade") and "upgrade" in request.tokens("connection")
    if not asks or request.http_version != "1.1":
        headers = [("upgrade", "websocket"), ("connection", "upgrade")]
        raise HTTPError(426, "This address speaks WebSocket.", headers)
    if request.headers.get("sec-websocket-version") != "13":
        headers = [("sec-websocket-version", "13")]
        raise HTTPError(426, "Only version 13 of the WebSocket protocol is spoken.", headers)
    try:
        key = base64.b64decode(request.headers.get("sec-websocket-key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise HTTPError(400, "Sec-WebSocket-Key is not 16 bytes of base64.")


def parse_target(target: str) -> tuple[str, dict[str, list[str]]]:
    """
    Return the path and the query of a request's address.

    Raises:
        HTTPError: It is no address, or has too many parameters.
    """
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise HTTPError(400, "The address of the request cannot be read.") from error
    return unquote(parts.path), query

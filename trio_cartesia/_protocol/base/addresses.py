"""Check base URLs, and map them to WebSocket addresses (protocol §1.1)."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = ["DEFAULT_BASE_URL", "Address", "BaseUrl", "host_and_port", "split_url"]

DEFAULT_BASE_URL: Final = "https://api.cartesia.ai"

_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_SECURE: Final = frozenset({"https", "wss"})


@attrs.frozen(kw_only=True)
class Address:
    """The address of a WebSocket.

    Attributes:
        secure: Whether it uses TLS.
        host: A name, or an IP address without brackets.
        port: 1 to 65535.
        resource: The path, with its leading slash.
        query: What follows it after a question mark, if anything; it may be about what is spoken,
            so it is in no message.
    """

    secure: bool
    host: str
    port: int
    resource: str
    query: str = attrs.field(default="", repr=False)

    @property
    def target(self) -> str:
        """The path and the query, as in the request line."""
        return f"{self.resource}?{self.query}" if self.query else self.resource

    @property
    def host_header(self) -> str:
        """The ``Host`` header's value, which has no port where that is the scheme's own."""
        host, _, port = host_and_port(self.host, self.port).rpartition(":")
        usual = _PORTS["wss" if self.secure else "ws"]
        return host if self.port == usual else f"{host}:{port}"

    def __str__(self) -> str:
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self.host_header}{self.resource}"


@attrs.frozen
class BaseUrl:
    """A checked base URL: ``http``, ``https``, ``ws`` or ``wss``, with an optional path prefix."""

    _parts: SplitResult

    @classmethod
    def parse(cls, url: object, name: str, *, allow_insecure: bool) -> BaseUrl:
        """Check *url*, which may have a path prefix but no query, fragment or user.

        Args:
            url: The caller's value.
            name: The name of the parameter or variable, for messages.
            allow_insecure: Accept plain ``http`` and ``ws`` to hosts other than this one.

        Raises:
            LocalProtocolError: It is not such a URL, or would send credentials in the clear.
        """
        parts = split_url(url, name, _PORTS)
        if parts.username is not None or parts.query or parts.fragment:
            raise LocalProtocolError(f"{name} must have no user, query or fragment")
        base = cls(parts)
        if parts.scheme not in _SECURE and not allow_insecure and not base.is_loopback:
            raise LocalProtocolError(
                f"{name} must be https or wss, not {parts.scheme} to {parts.hostname}, which would "
                "send the credential in the clear; allow_insecure=True permits it"
            )
        return base

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        host = self._parts.hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def websocket(self, path: str, query: str = "") -> Address:
        """Return the address of *path* below this base; ``http`` maps to ``ws``."""
        parts = self._parts
        return Address(
            secure=parts.scheme in _SECURE,
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            resource=parts.path.rstrip("/") + path,
            query=query,
        )

    @property
    def http(self) -> str:
        """The base as a URL of HTTP, without a slash at its end; ``ws`` maps to ``http``."""
        parts = self._parts
        scheme = "https" if parts.scheme in _SECURE else "http"
        return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def split_url(url: object, name: str, schemes: Collection[str]) -> SplitResult:
    """Split a URL and check its scheme, host, port and characters.

    Raises:
        LocalProtocolError: One is missing or not valid. The URL is not quoted: it may have a
            password in it.
    """
    text = checks.text(url, name)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise LocalProtocolError(
            f"{name} must be a URL, with a port from 1 to 65535 if any"
        ) from None
    if parts.scheme not in schemes or not parts.hostname:
        starts = ", ".join(f"{scheme}://" for scheme in schemes)
        raise LocalProtocolError(f"{name} must start with one of {starts}, and have a host")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:  # such as a lone dot
        raise LocalProtocolError(f"{name} has an invalid host name") from None
    if port == 0 or not text.isascii() or not text.isprintable() or " " in text:
        raise LocalProtocolError(
            f"{name} must be printable ASCII without spaces, with a port from 1 to 65535"
        )
    return parts


def host_and_port(host: str, port: int) -> str:
    """Return ``host:port``, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

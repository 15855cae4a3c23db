"""
Where to connect: base URLs, checked and mapped to WebSocket addresses (protocol §1.1).
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks

__all__ = ["DEFAULT_BASE_URL", "Address", "BaseUrl"]

DEFAULT_BASE_URL: Final = "https://api.cartesia.ai"

_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_SECURE: Final = frozenset({"https", "wss"})


@attrs.frozen(kw_only=True)
class Address:
    """
    One WebSocket endpoint.

    Attributes:
        secure: True for TLS.
        host: A name, or an IP address without brackets.
        port: 1 to 65535.
        resource: The path, from its first slash on.
    """

    secure: bool
    host: str
    port: int
    resource: str

    @property
    def host_header(self) -> str:
        """The ``Host`` header's value: the port is left out where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["wss" if self.secure else "ws"]
        return host if self.port == usual else f"{host}:{self.port}"

    def __str__(self) -> str:
        scheme = "wss" if self.secure else "ws"
        return f"{scheme}://{self.host_header}{self.resource}"


@attrs.frozen
class BaseUrl:
    """A base URL that was checked: ``http``, ``https``, ``ws`` or ``wss``, with any path prefix."""

    _parts: SplitResult

    @classmethod
    def parse(cls, url: object, name: str, *, allow_insecure: bool) -> BaseUrl:
        """
        Check *url*, which may hold a path prefix but no query, fragment or user.

        Args:
            url: What the caller gave.
            name: What the caller calls it.
            allow_insecure: Accept plain ``http`` and ``ws`` to hosts that are not loopback.

        Raises:
            LocalProtocolError: It is not such a URL, or would send credentials in the clear.
        """
        parts = _split(checks.text(url, name), name)
        base = cls(parts)
        if parts.scheme not in _SECURE and not allow_insecure and not base.is_loopback:
            raise LocalProtocolError(
                f"{name} is plain {parts.scheme} to {parts.hostname}: a key that is sent in the "
                "clear may be revoked; use TLS, or allow_insecure=True"
            )
        return base

    @property
    def is_loopback(self) -> bool:
        """True if the host is this machine."""
        host = self._parts.hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def websocket(self, path: str) -> Address:
        """Return the address of *path* below this base; ``http`` maps to ``ws``."""
        parts = self._parts
        return Address(
            secure=parts.scheme in _SECURE,
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            resource=parts.path.rstrip("/") + path,
        )


def _split(url: str, name: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise LocalProtocolError(f"{name} is not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise LocalProtocolError(f"{name} must start with https://, http://, wss:// or ws://")
    if parts.username is not None or parts.query or parts.fragment:
        raise LocalProtocolError(f"{name} must have no user, query or fragment")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:  # such as one of a dot alone
        raise LocalProtocolError(f"{name} has a host that no URL has") from None
    if port == 0 or not url.isascii() or not url.isprintable() or " " in url:
        raise LocalProtocolError(f"{name} has a port, or characters, that no URL has")
    return parts

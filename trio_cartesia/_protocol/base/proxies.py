"""Parse the address of an HTTP proxy."""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import unquote_to_bytes

import attrs

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base import checks
from trio_cartesia._protocol.base.addresses import host_and_port, split_url
from trio_cartesia._protocol.base.credentials import Headers

__all__ = ["ProxyAddress"]

_PORTS: Final = {"http": 80, "https": 443}
_SOCKS: Final = ("socks", "socks4", "socks4a", "socks5", "socks5h")


@attrs.frozen(kw_only=True)
class ProxyAddress:
    """The address of an HTTP proxy; its credentials show nowhere but in the request.

    Attributes:
        secure: Whether the connection to the proxy uses TLS.
        host: A name, or an IP address without brackets.
        port: 1 to 65535.
        headers: ``Proxy-Authorization``, if the URL has a user.
    """

    secure: bool
    host: str
    port: int
    headers: Headers = attrs.field(repr=False, eq=False)

    @classmethod
    def parse(cls, url: object, name: str) -> ProxyAddress:
        """Parse ``http://user:password@host:port`` or ``https://...``; ``http://`` may be missing.

        Raises:
            LocalProtocolError: It is not such a URL.
        """
        text = checks.text(url, name)
        if "://" not in text:
            text = f"http://{text}"
        if text.partition(":")[0].lower() in _SOCKS:
            raise LocalProtocolError(
                f"{name} must be an http:// or https:// proxy: for SOCKS, give an open_stream "
                "that speaks it (docs/how-to/proxies.md), or proxy=None for no proxy"
            )
        parts = split_url(text, name, _PORTS)
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise LocalProtocolError(f"{name} must have no path, query or fragment")
        headers = Headers()
        if parts.username is not None:
            user = unquote_to_bytes(f"{parts.username}:{parts.password or ''}")
            headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(user).decode()}"))
        return cls(
            secure=parts.scheme == "https",
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            headers=headers,
        )

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{host_and_port(self.host, self.port)}"

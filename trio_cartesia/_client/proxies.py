"""Choose the proxy of a connection: the caller's, that of the environment, or none."""

from __future__ import annotations

import os
import sys
from typing import Final, Literal

from trio_cartesia._errors import LocalProtocolError
from trio_cartesia._protocol.base.addresses import Address, host_and_port
from trio_cartesia._protocol.base.proxies import ProxyAddress

__all__ = ["Proxy", "choose_proxy"]

Proxy = str | Literal[True] | None

# RFC 6455 section 4.1 prefers the proxy of HTTPS for every WebSocket
_SCHEMES: Final = {True: ("wss", "https", "all"), False: ("ws", "https", "http", "all")}


def choose_proxy(proxy: object, address: Address, *, is_loopback: bool) -> ProxyAddress | None:
    """Return the proxy to *address*, or None to connect directly.

    Args:
        proxy: A URL; True for that of the environment or the system; None for no proxy.
        address: The peer.
        is_loopback: Whether the peer is this machine, which needs no proxy of the environment.

    Raises:
        LocalProtocolError: *proxy*, or the variable that names it, is not valid.
    """
    if proxy is None:
        return None
    if isinstance(proxy, str):
        return ProxyAddress.parse(proxy, "proxy")
    if proxy is not True:
        kind = type(proxy).__name__
        raise LocalProtocolError(
            f"proxy must be a URL, True for that of the environment, or None for none, not {kind}"
        )
    return None if is_loopback or not _may_have_proxies() else _environment_proxy(address)


def _may_have_proxies() -> bool:
    """Return whether it is worth loading ``urllib.request``, which takes tens of milliseconds."""
    has_settings = sys.platform in ("darwin", "win32")
    return has_settings or any(name.lower().endswith("_proxy") for name in os.environ)


def _environment_proxy(address: Address) -> ProxyAddress | None:
    from urllib.request import getproxies, proxy_bypass

    peer = host_and_port(address.host, address.port)
    if proxy_bypass(peer) or proxy_bypass(address.host):
        return None
    proxies = getproxies()
    for scheme in _SCHEMES[address.secure]:
        if url := proxies.get(scheme):
            return ProxyAddress.parse(url, f"{scheme.upper()}_PROXY")
    return None

"""Access for pages in a browser: CORS headers, and protection of ``/_local`` from other sites.

Pages of any origin may use the API, as they may use the real one: no credential is a cookie, so a
page can do no more than its own credential allows. ``/_local`` returns the requests of other
clients, so its responses have no CORS headers, and without keys it accepts local host names only.
CORS does not apply to WebSocket handshakes, which are accepted from any origin.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from trio_cartesia.server.net.requests import Headers, Request

__all__ = [
    "cors_headers",
    "is_preflight",
    "is_private",
    "may_be_dns_rebinding",
    "preflight_headers",
]

PRIVATE: Final = "/_local"
LOCAL_DOMAINS: Final = (".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa")
EXPOSED: Final = "x-request-id, cartesia-file-id, retry-after"
MAX_AGE_SECONDS: Final = 600

# allowed when a preflight request names no headers (protocol §1.4)
USUAL_HEADERS: Final = (
    *("authorization", "x-api-key", "cartesia-version", "content-type", "accept", "x-behaviour"),
    *("x-cartesia-client", "x-stainless-lang", "x-stainless-package-version", "x-stainless-os"),
    *("x-stainless-arch", "x-stainless-runtime", "x-stainless-runtime-version"),
    *("x-stainless-async", "x-stainless-retry-count", "x-stainless-timeout"),
    "x-stainless-read-timeout",
)

_NAMES: Final = re.compile(r"[a-z0-9_-]+([ \t]*,[ \t]*[a-z0-9_-]+)*", re.IGNORECASE)


def is_private(request: Request) -> bool:
    """Return whether *request* is for ``/_local``, which the real API does not have."""
    return request.path.startswith(PRIVATE)


def may_be_dns_rebinding(request: Request, local_names: Collection[str]) -> bool:
    """Return whether the host in *request* can be the name of another site.

    A site whose page is loaded in a browser can make its name resolve to this machine, so that the
    browser treats the service as a part of that site (DNS rebinding). That is not possible for an
    address, a name without a dot, a name in a domain of local networks, or one of *local_names*.
    """
    host = request.host
    name = host.rstrip(".")
    if "." not in name or host in local_names or name in local_names:
        return False
    try:
        ip_address(name)
    except ValueError:
        return not name.endswith(LOCAL_DOMAINS)
    return False


def cors_headers(request: Request) -> Headers:
    """Return the headers that let a page of any origin read the response."""
    if is_private(request):
        return []
    return [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
    ]


def is_preflight(request: Request) -> bool:
    """Return whether *request* is a CORS preflight request, which needs no credential."""
    return request.method == "OPTIONS" and not is_private(request)


def preflight_headers(request: Request, methods: Collection[str]) -> Headers:
    """Return the headers of the response to a preflight request, beside `cors_headers`.

    Args:
        request: The preflight request; the response allows the headers that it names.
        methods: The methods of its path.
    """
    requested = request.headers.get("access-control-request-headers", "")
    return [
        ("allow", ", ".join(methods)),
        ("access-control-allow-methods", ", ".join(methods)),
        (
            "access-control-allow-headers",
            requested if _NAMES.fullmatch(requested) else ", ".join(USUAL_HEADERS),
        ),
        ("access-control-max-age", str(MAX_AGE_SECONDS)),
        ("vary", "access-control-request-headers"),
    ]

"""
What lets a page in a browser talk to the service, whatever origin the page has.

The API is open to every page, as the real one is: credentials are never cookies, so a page can do
no more than its own credential allows. What the service tells of itself, under ``/_local/``, is
what others said to it: no page but its own may read that. Handshakes of WebSockets are no matter of
CORS; they are accepted from any origin.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from trio_cartesia.server.net.requests import Headers, Request

__all__ = ["cors_headers", "is_preflight", "may_be_dns_rebinding", "preflight_headers"]

PRIVATE: Final = "/_local"
NO_PUBLIC_NAMES: Final = (".localhost", ".local", ".internal", ".test", ".lan", ".home.arpa")
EXPOSED: Final = "x-request-id, cartesia-file-id, retry-after"
MAX_AGE_SECONDS: Final = 600
USUAL_HEADERS: Final = (  # for who asks for none by name; protocol §1.4
    *("authorization", "x-api-key", "cartesia-version", "content-type", "accept", "x-behaviour"),
    *("x-cartesia-client", "x-stainless-lang", "x-stainless-package-version", "x-stainless-os"),
    *("x-stainless-arch", "x-stainless-runtime", "x-stainless-runtime-version"),
    *("x-stainless-async", "x-stainless-retry-count", "x-stainless-timeout"),
    "x-stainless-read-timeout",
)

_NAMES: Final = re.compile(r"[a-z0-9_-]+([ \t]*,[ \t]*[a-z0-9_-]+)*", re.IGNORECASE)


def _is_private(request: Request) -> bool:
    return request.path.startswith(PRIVATE)


def may_be_dns_rebinding(request: Request) -> bool:
    """
    True if *request* wants what is private, by a name that anybody may have registered.

    A page can have its own name point to this machine once it is loaded, and then passes for the
    service's own (DNS rebinding). Addresses, names without a dot and names of local networks have
    no owner who could do that.
    """
    host = request.headers.get("host", "")
    name = host.partition(":")[0].rstrip(".").lower()
    if not _is_private(request) or host.startswith("[") or "." not in name:
        return False
    try:
        ip_address(name)
    except ValueError:
        return not name.endswith(NO_PUBLIC_NAMES)
    return False


def cors_headers(request: Request) -> Headers:
    """
    Return what an answer carries so that a page of any origin may read it.
    """
    if _is_private(request):
        return []
    return [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
    ]


def is_preflight(request: Request) -> bool:
    """
    True if a browser asks what a page may do here, which needs no credential.
    """
    return request.method == "OPTIONS" and not _is_private(request)


def preflight_headers(request: Request, methods: Collection[str]) -> Headers:
    """
    Return the answer to a preflight request, beside `cors_headers`.

    Args:
        request: Its wishes as to headers are granted.
        methods: What the address answers.
    """
    wanted = request.headers.get("access-control-request-headers", "")
    return [
        ("allow", ", ".join(methods)),
        ("access-control-allow-methods", ", ".join(methods)),
        (
            "access-control-allow-headers",
            wanted if _NAMES.fullmatch(wanted) else ", ".join(USUAL_HEADERS),
        ),
        ("access-control-max-age", str(MAX_AGE_SECONDS)),
        ("vary", "access-control-request-headers"),
    ]

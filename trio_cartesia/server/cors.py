"""
What browsers ask before they let a page talk to the service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .http import Headers, Request


def cors_headers(request: Request) -> Headers:
    """
    Return what an answer carries so that a page of any origin may read it.
    """
    return [("access-control-allow-origin", "*")] if "origin" in request.headers else []


async def allow_origin(request: Request, respond: Callable[..., Awaitable[None]]) -> None:
    """
    Answer a preflight request.
    """
    await respond(204, b"")

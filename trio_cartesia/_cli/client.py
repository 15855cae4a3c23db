"""
Who speaks: the API, or the local service where there is no key.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._cli.console import UsageError, tell

__all__ = ["open_client"]

HEADERS: Final = "CARTESIA_CUSTOM_HEADERS"
PLAIN: Final = "CARTESIA_BASE_URL is plain http or ws, and a key in the clear may be revoked"


@asynccontextmanager
async def open_client(*, local: bool) -> AsyncIterator[Cartesia]:
    """
    Open a client of the API, or of a local service that runs as long as the block.

    Args:
        local: Ask the local service, whatever the environment says.

    Raises:
        OSError: The local service cannot listen.
        UsageError: What the environment says cannot be used.
    """
    is_told = os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL")
    if is_told and not local:
        async with _client_of_environment() as client:
            yield client
        return
    from trio_cartesia.server import open_server

    async with open_server() as server:
        reason = "" if local else "no CARTESIA_API_KEY: "
        tell(f"{reason}speaking with the local service ({server.voice.name})")
        async with _client_of(server.url) as client:
            yield client


def _client_of_environment() -> Cartesia:
    try:
        return Cartesia()
    except LocalProtocolError as error:
        if _is_merely_plain():
            raise UsageError(PLAIN, next_step="Use https://, or this machine's address.") from error
        step = f"Check CARTESIA_API_KEY, CARTESIA_BASE_URL and {HEADERS}: nothing was sent."
        raise UsageError(str(error), next_step=step) from error


def _is_merely_plain() -> bool:
    """Tell whether the environment would do if nobody minded encryption."""
    try:
        Cartesia(allow_insecure=True)
    except LocalProtocolError:
        return False
    return True


def _client_of(url: str) -> Cartesia:
    """Make a client of the local service, to which no key and no header of the user's goes."""
    headers = os.environ.pop(HEADERS, None)  # a client reads it whenever it is there
    try:
        return Cartesia(api_key="local", base_url=url)
    finally:
        if headers is not None:
            os.environ[HEADERS] = headers

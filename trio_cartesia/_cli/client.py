"""The client: of the API, or of a local service if there is no key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._cli.console import UsageError, print_message

__all__ = ["open_client"]

HEADERS: Final = "CARTESIA_CUSTOM_HEADERS"
PLAIN: Final = (
    "CARTESIA_BASE_URL is plain http or ws to another machine, which would send the key unencrypted"
)
ENCRYPT: Final = (
    "Use https:// or wss://, or --allow-insecure if you trust the network and the key is not real."
)


@asynccontextmanager
async def open_client(*, local: bool, allow_insecure: bool = False) -> AsyncIterator[Cartesia]:
    """Open a client of the API, or of a local service that runs for the block.

    Args:
        local: Use the local service even if the environment has a key or an address.
        allow_insecure: Accept plain http and ws to other machines.

    Raises:
        OSError: The local service cannot listen.
        UsageError: A variable of the environment has an invalid value.
    """
    is_set = os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL")
    if is_set and not local:
        async with _client_of_environment(allow_insecure=allow_insecure) as client:
            yield client
        return
    from trio_cartesia.server import open_server

    async with open_server() as server:
        reason = "" if local else "no CARTESIA_API_KEY: "
        print_message(f"{reason}using a local service ({server.voice.name}) for this command")
        async with _client_of(server.url) as client:
            yield client


def _client_of_environment(*, allow_insecure: bool) -> Cartesia:
    try:
        return Cartesia(allow_insecure=allow_insecure)
    except LocalProtocolError as error:
        if _is_merely_plain():
            raise UsageError(PLAIN, next_step=ENCRYPT) from error
        step = f"Check CARTESIA_API_KEY, CARTESIA_BASE_URL and {HEADERS}: nothing was sent."
        raise UsageError(str(error), next_step=step) from error


def _is_merely_plain() -> bool:
    """Return whether the lack of encryption is all that is wrong with the environment."""
    try:
        Cartesia(allow_insecure=True)
    except LocalProtocolError:
        return False
    return True


def _client_of(url: str) -> Cartesia:
    """Make a client of the local service, which is sent neither the user's key nor headers."""
    headers = os.environ.pop(HEADERS, None)  # every client reads it
    try:
        return Cartesia(api_key="local", base_url=url)
    finally:
        if headers is not None:
            os.environ[HEADERS] = headers

"""The client: of the API, or of a local service if there is no key."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from trio_cartesia import Cartesia, LocalProtocolError
from trio_cartesia._cli.console import UsageError, print_note

if TYPE_CHECKING:
    from trio_cartesia.server import Server

__all__ = ["open_client"]

HEADERS: Final = "CARTESIA_CUSTOM_HEADERS"
PLAIN: Final = (
    "CARTESIA_BASE_URL is plain http or ws to another machine, which would send the key unencrypted"
)
ENCRYPT: Final = (
    "Use https:// or wss://, or --allow-insecure if you trust the network and the key is not real."
)


ONLY_OWN: Final = (
    "without the extra ears, the local service recognises only what it has spoken itself, which is "
    "nothing yet"
)
EARS: Final = (
    "Run pip install 'trio-cartesia[ears,local]' (in a checkout: pip install '.[ears,local]') for "
    "English speech, or set CARTESIA_API_KEY."
)


@asynccontextmanager
async def open_client(
    *, local: bool, allow_insecure: bool = False, recognizes: bool = False
) -> AsyncIterator[Cartesia]:
    """Open a client of the API, or of a local service that runs for the block.

    Args:
        local: Use the local service even if the environment has a key or an address.
        allow_insecure: Accept plain http and ws to other machines.
        recognizes: Whether speech is to be recognised that a local service has not spoken.

    Raises:
        OSError: The local service cannot listen.
        UsageError: A variable of the environment has an invalid value, or nothing is installed that
            recognises speech.
    """
    is_set = os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL")
    if is_set and not local:
        async with _client_of_environment(allow_insecure=allow_insecure) as client:
            yield client
        return
    async with _open_service(recognizes=recognizes) as server:
        name = server.recognizer.name if recognizes else server.voice.name
        reason = "" if local else "no CARTESIA_API_KEY: "
        print_note(f"{reason}using a local service ({name}) for this command")
        async with _client_of(server.url) as client:
            yield client


@asynccontextmanager
async def _open_service(*, recognizes: bool) -> AsyncIterator[Server]:
    from trio_cartesia.server import open_server

    async with AsyncExitStack() as stack:
        opening = open_server(recognizer="moonshine" if recognizes else None)
        try:
            server = await stack.enter_async_context(opening)
        except ValueError as error:
            raise UsageError(ONLY_OWN, next_step=EARS) from error
        yield server


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

"""
Who speaks: the API, or the local service where there is no key.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trio_cartesia import Cartesia
from trio_cartesia._cli.console import tell

__all__ = ["open_client"]


@asynccontextmanager
async def open_client(*, local: bool) -> AsyncIterator[Cartesia]:
    """
    Open a client of the API, or of a local service that runs as long as the block.

    Args:
        local: Ask the local service, whatever the environment says.

    Raises:
        CartesiaError: What the environment says cannot be used.
        OSError: The local service cannot listen.
    """
    is_told = os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL")
    if is_told and not local:
        async with Cartesia() as client:
            yield client
        return
    from trio_cartesia.server import open_server

    async with open_server() as server:
        reason = "" if local else "no CARTESIA_API_KEY: "
        tell(f"{reason}speaking with the local service ({server.voice.name})")
        async with Cartesia(api_key="local", base_url=server.url) as client:  # never a real key
            yield client

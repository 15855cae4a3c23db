"""Speak two texts at once over one connection, and write each to its own file.

Run it with ``python two_contexts.py``; without a key it uses a local service. The speech is in
``one.pcm`` and ``two.pcm``: 16 bits, 44,100 Hz.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from trio_cartesia import Cartesia, Context
from trio_cartesia.server import open_server

SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
}


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def collect(context: Context, path: str) -> None:
    """Write the audio of a context to a file as it arrives."""
    size = 0
    async with await trio.open_file(path, "wb") as file:
        async for event in context.receive():
            if event.type == "chunk":
                size += await file.write(event.audio)
    print(f"{path}: {size} bytes")


async def main() -> None:
    """Push two texts, and receive both at the same time."""
    async with (
        open_client() as client,
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS) as one,
        connection.context(**SETTINGS) as two,
    ):
        await one.push("Context one is speaking now. ")
        await one.no_more_inputs()
        await two.push("Context two has a different message. ")
        await two.no_more_inputs()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(collect, one, "one.pcm")
            nursery.start_soon(collect, two, "two.pcm")


if __name__ == "__main__":
    trio.run(main)

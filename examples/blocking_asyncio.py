"""An asyncio program that speaks: each request blocks a thread, and never the event loop.

Run it with ``python blocking_asyncio.py``; without a key it uses a local service. In FastAPI, an
endpoint that is a plain ``def`` runs in a thread already, so there it calls `speak` itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from trio_cartesia import Speech
from trio_cartesia.blocking import Cartesia, Connection
from trio_cartesia.testing import service_in_thread

SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
}


@contextmanager
def open_client() -> Iterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        with Cartesia() as client:
            yield client
    else:
        with service_in_thread() as service, Cartesia(base_url=service.url) as client:
            yield client


def speak(connection: Connection, text: str) -> Speech:
    """Speak a text, in any thread."""
    with connection.speak(text, **SETTINGS) as context:
        return context.collect()


async def answer(connection: Connection, text: str) -> None:
    """Answer a request; others are answered meanwhile."""
    speech = await asyncio.to_thread(speak, connection, text)
    print(f"{text!r}: {speech.duration_seconds:.2f} seconds")


async def answer_all(connection: Connection) -> None:
    """Answer three requests at once."""
    async with asyncio.TaskGroup() as group:
        for text in ("The first request.", "The second one.", "And a third."):
            group.create_task(answer(connection, text))


def main() -> None:
    """Open one connection for the whole program."""
    with open_client() as client, client.tts.websocket_connect() as connection:
        asyncio.run(answer_all(connection))


if __name__ == "__main__":
    main()

"""Speak two texts at once without async: push both, then receive one after the other.

Run it with ``python blocking_two_contexts.py``; without a key it uses a local service. The speech
is in ``one.pcm`` and ``two.pcm``: 16 bits, 44,100 Hz.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from trio_cartesia.blocking import Cartesia, Context
from trio_cartesia.testing import service_in_thread


@contextmanager
def open_client() -> Iterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        with Cartesia() as client:
            yield client
    else:
        with service_in_thread() as service, Cartesia(base_url=service.url) as client:
            yield client


def collect(context: Context, path: str) -> None:
    """Write the audio of a context to a file as it arrives."""
    with open(path, "wb") as file:
        for event in context.receive():
            if event.type == "chunk":
                file.write(event.audio)
    print(f"{path}: {os.path.getsize(path)} bytes")


def main() -> None:
    """Speak two texts over one connection."""
    with open_client() as client, client.tts.websocket_connect() as connection:
        settings = {
            "model_id": "sonic-latest",
            "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
        }
        with connection.context(**settings) as one, connection.context(**settings) as two:
            one.push("Context one is speaking now. ")
            one.no_more_inputs()
            two.push("Context two has a different message. ")
            two.no_more_inputs()
            collect(one, "one.pcm")
            collect(two, "two.pcm")


if __name__ == "__main__":
    main()

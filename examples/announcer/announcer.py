"""Announcements on a platform, which passengers get whatever happens to the speech service.

Each announcement goes on over another connection if one is lost. If the service cannot speak, or
falls silent, a chime is played and the text is shown. Run it with ``python announcer.py``; without
a key it uses a local service. Its tests break the connection in every way.
"""

from __future__ import annotations

import math
import os
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from trio_cartesia import Cartesia, CartesiaError, Pool
from trio_cartesia.server import open_server

SAMPLE_RATE = 24_000
SILENCE_SECONDS = 3.0  # without audio, after which passengers get the text instead
SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": SAMPLE_RATE},
    "language": "en",
}
WAVE = (math.sin(2 * math.pi * 660 * number / SAMPLE_RATE) for number in range(SAMPLE_RATE // 2))
CHIME = array("h", (int(6000 * value) for value in WAVE)).tobytes()  # half a second

Play = Callable[[bytes], None]
Show = Callable[[str], None]


async def announce(pool: Pool, text: str, *, play: Play, show: Show) -> bool:
    """Play an announcement; if that fails, play the chime and show the text.

    Returns:
        Whether all of it was spoken.
    """
    is_whole = False
    with trio.CancelScope() as patience:
        patience.deadline = trio.current_time() + SILENCE_SECONDS
        try:
            async with pool.speak(text, resume=True, **SETTINGS) as context:
                async for audio in context.audio():
                    play(audio)
                    patience.deadline = trio.current_time() + SILENCE_SECONDS
                is_whole = True
        except CartesiaError as error:
            show(f"[{type(error).__name__}]")  # for the staff; its next_step says what to do
    if not is_whole:
        play(CHIME)
        show(text)
    return is_whole


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def main() -> None:
    """Make two announcements, and say how much was played."""
    played: list[int] = []
    async with open_client() as client, client.tts.websocket_pool(plan="free") as pool:
        for text in ("The train to Utrecht leaves from platform four.", "Please mind the gap."):
            await announce(pool, text, play=lambda audio: played.append(len(audio)), show=print)
            print(f"{sum(played) / (2 * SAMPLE_RATE):.1f} s were played so far")


if __name__ == "__main__":
    trio.run(main)

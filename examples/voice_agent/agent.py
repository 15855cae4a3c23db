"""A small voice agent: a language model writes, the agent speaks, and the user may interrupt.

The agent plays a filler while the model thinks, and speaks the answer while the model writes it.
It stops at once when it is interrupted. If the plan allows no further context, it tries again, and
at last shows the text. Run it with ``python agent.py``; without a key it uses a local service.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Self

import trio

from trio_cartesia import Cartesia, ConcurrencyLimited, Connection, Context, ContextExpired
from trio_cartesia.server import open_server

FILLER = "Let me see. "
RETRY_SECONDS = (0.5, 1.0, 2.0)

SETTINGS = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
    "language": "en",
}

Think = Callable[[str], AsyncGenerator[str]]
Play = Callable[[bytes], Awaitable[None]]
Show = Callable[[str], None]


class Pieces:
    """The pieces of an answer. Those that were not spoken can be put back."""

    def __init__(self, source: AsyncIterator[str]) -> None:
        self.source = source
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def put_back(self, unspoken: Iterable[str]) -> None:
        """Insert *unspoken* at the front, before a further context."""
        self.waiting.extendleft(reversed(list(unspoken)))
        self.taken = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        piece = self.waiting.popleft() if self.waiting else await anext(self.source)
        self.taken.append(piece)
        return piece


class Agent:
    """Answers questions aloud, one after the other, over one connection."""

    def __init__(self, connection: Connection, *, think: Think, play: Play, show: Show) -> None:
        self.connection = connection
        self.think, self.play, self.show = think, play, show
        self.turn = trio.CancelScope()

    async def answer(self, question: str) -> bool:
        """Answer a question; return False if the answer was interrupted."""
        with trio.CancelScope() as self.turn:
            async with trio.open_nursery() as nursery:
                send, receive = trio.open_memory_channel[str](math.inf)
                nursery.start_soon(self.write, question, send)
                await self.speak(Pieces(receive))
        return not self.turn.cancelled_caught

    def interrupt(self) -> None:
        """Stop speaking at once."""
        self.turn.cancel()

    async def write(self, question: str, send: trio.MemorySendChannel[str]) -> None:
        """Send the model's tokens to a channel as they are written."""
        with send:
            async with aclosing(self.think(question)) as tokens:
                async for token in tokens:
                    await send.send(token)

    async def speak(self, pieces: Pieces) -> None:
        """Speak an answer in as many contexts as it takes, or show it if there are none."""
        fill, delays = self.play_filler, list(RETRY_SECONDS)
        while True:
            try:
                async with self.connection.speak(pieces, **SETTINGS) as context:
                    await fill()  # the first time: the answer is generated meanwhile
                    await self.play_all(context)
            except ContextExpired as expired:  # the model paused for longer than a second
                pieces.put_back(expired.unspoken)
            except ConcurrencyLimited:  # nothing of this context was spoken
                pieces.put_back(pieces.taken)
                if not delays:
                    break
                await trio.sleep(delays.pop(0))
            else:
                return
            fill = trio.lowlevel.checkpoint
        self.show("".join([piece async for piece in pieces]))

    async def play_filler(self) -> None:
        """Play the filler, unless the plan allows no context for it."""
        with suppress(ConcurrencyLimited):
            async with self.connection.speak(FILLER, **SETTINGS) as filler:
                await self.play_all(filler)

    async def play_all(self, context: Context) -> None:
        """Play the audio of a context as it arrives."""
        async for audio in context.audio():
            await self.play(audio)


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
    """Answer one question with a list of words for a model and a counter for a loudspeaker."""

    async def think(question: str) -> AsyncGenerator[str]:
        for word in f"You asked: {question} I have no idea.".split():
            yield f"{word} "
            await trio.sleep(0.05)

    async def play(audio: bytes) -> None:
        print(f"playing {len(audio)} bytes")
        await trio.lowlevel.checkpoint()

    async with open_client() as client, client.tts.websocket_connect() as connection:
        await Agent(connection, think=think, play=play, show=print).answer("How are you?")


if __name__ == "__main__":
    trio.run(main)

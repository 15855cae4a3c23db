"""A small voice agent: a language model writes, the agent speaks, and the user may interrupt.

The agent plays a filler while the model thinks, and speaks the answer while the model writes it.
It stops at once when it is interrupted, and its history has what was heard until then. If the plan
allows no further context, it tries again, and at last shows the text. Run it with ``python
agent.py``; without a key it uses a local service.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Protocol, Self

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
    "add_timestamps": True,  # to know what was heard
}

Message = dict[str, str]
Think = Callable[[list[Message]], AsyncGenerator[str]]
Show = Callable[[str], None]


class Output(Protocol):
    """Where speech is played: a telephone, a browser, a sound card."""

    async def play(self, frame: bytes) -> None:
        """Take a frame, which is to be played after those before it."""

    def clear(self) -> None:
        """Drop the frames that were not played yet."""


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
    """Answers questions aloud, one after the other, over one connection.

    Its history is for the model: an answer in it ends where the user stopped hearing it.
    """

    def __init__(self, connection: Connection, *, think: Think, output: Output, show: Show) -> None:
        self.connection = connection
        self.think, self.output, self.show = think, output, show
        self.history: list[Message] = []
        self.heard: list[str] = []
        self.turn = trio.CancelScope()

    async def answer(self, question: str) -> bool:
        """Answer a question; return False if the answer was interrupted."""
        self.history.append({"role": "user", "content": question})
        self.heard = []
        with trio.CancelScope() as self.turn:
            async with trio.open_nursery() as nursery:
                send, receive = trio.open_memory_channel[str](math.inf)
                nursery.start_soon(self.write, send)
                await self.speak(Pieces(receive))
        answer = " ".join(text.strip() for text in self.heard if text)
        self.history.append({"role": "assistant", "content": answer})
        return not self.turn.cancelled_caught

    def interrupt(self) -> None:
        """Stop speaking at once."""
        self.turn.cancel()
        self.output.clear()

    async def write(self, send: trio.MemorySendChannel[str]) -> None:
        """Send the model's tokens to a channel as they are written."""
        with send:
            async with aclosing(self.think(self.history)) as tokens:
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
        rest = "".join([piece async for piece in pieces])
        self.heard.append(rest)
        self.show(rest)

    async def play_filler(self) -> None:
        """Play the filler, unless the plan allows no context for it."""
        with suppress(ConcurrencyLimited):
            async with self.connection.speak(FILLER, **SETTINGS) as filler:
                await self.play_all(filler)

    async def play_all(self, context: Context) -> None:
        """Play a context, and note what was heard of it, however it ends."""
        playout = context.playout()
        try:
            async for frame in playout:
                await self.output.play(frame.audio)
        finally:
            self.heard.append(playout.heard.text)


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


class Counter:
    """Counts the bytes that it is given."""

    count = 0

    async def play(self, frame: bytes) -> None:
        """Count a frame."""
        self.count += len(frame)
        await trio.lowlevel.checkpoint()

    def clear(self) -> None:
        """Hold nothing, so drop nothing."""


async def main() -> None:
    """Interrupt one answer and hear another one, with a list of words for a model."""

    async def think(history: list[Message]) -> AsyncGenerator[str]:
        for word in f"You asked: {history[-1]['content']} I have no idea.".split():
            yield f"{word} "
            await trio.sleep(0.05)

    output = Counter()
    async with open_client() as client, client.tts.websocket_connect() as connection:
        agent = Agent(connection, think=think, output=output, show=print)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(agent.answer, "How are you?")
            await trio.sleep(2)
            agent.interrupt()
        await agent.answer("And now?")
    print(f"{output.count} bytes were played, and this was heard:")
    for message in agent.history:
        print(f"{message['role']}: {message['content']}")


if __name__ == "__main__":
    trio.run(main)

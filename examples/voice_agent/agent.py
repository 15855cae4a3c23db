"""A voice agent that can be interrupted: it always listens, and is silent when the user speaks.

It works on an answer when the user seems to be done, and plays it once that is certain. When the
user speaks again, it stops at once, and its history has what the user has heard of the answer.

``python agent.py`` makes a user, and ``python agent.py --user FILE.wav`` takes a recording of one.
It writes ``dialogue.txt`` and ``dialogue.wav``, with the user on the left and the agent on the
right. Without a key it uses a local service.
"""

from __future__ import annotations

import argparse
import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

import trio
from demo import AUDIO, Call, Message, make_user, read_user, think

from trio_cartesia import AutoFinalizeSession, Cartesia, Context, ContextExpired, Pool, Turn
from trio_cartesia.server import open_server

SPEECH: dict[str, Any] = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"container": "raw", **AUDIO},
    "add_timestamps": True,  # to know what was heard
}

Think = Callable[[list[Message]], AsyncGenerator[str]]
Show = Callable[[str], None]


class Output(Protocol):
    """Where speech is played: a telephone, a browser, a sound card."""

    async def play(self, frame: bytes) -> None:
        """Take a frame, which is to be played after those before it."""

    def clear(self) -> None:
        """Drop the frames that were not played yet."""


class Pieces:
    """The pieces of an answer, for one context after the other."""

    def __init__(self, source: AsyncIterator[str]) -> None:
        self.source = source
        self.unspoken: deque[str] = deque()

    def put_back(self, unspoken: Iterable[str]) -> None:
        """Insert at the front what was taken and not spoken."""
        self.unspoken.extendleft(reversed(list(unspoken)))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        return self.unspoken.popleft() if self.unspoken else await anext(self.source)


class Agent:
    """Talks with one user. Its history is for the model, and has what the user has heard."""

    def __init__(self, pool: Pool, *, think: Think, output: Output, show: Show) -> None:
        self.pool, self.think, self.output, self.show = pool, think, output, show
        self.history: list[Message] = []
        self.one_turn = trio.Lock()

    async def converse(self, session: AutoFinalizeSession) -> None:
        """Take turns with the user until the session ends, and finish the last answer.

        This loop only starts tasks, so that it is never late: it gets a turn at the moment at which
        the user starts to speak, and cancels the answer to the turn before.
        """
        answering = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            async for turn in session.turns():
                answering.cancel()
                self.show("(the user speaks)")
                answering = trio.CancelScope()
                nursery.start_soon(self.take_turn, turn, answering)

    async def take_turn(self, turn: Turn, answering: trio.CancelScope) -> None:
        """Answer one turn; then put into the history what was heard, however the answer ended."""
        heard: list[str] = []
        async with self.one_turn:  # the history of the turn before is complete
            with answering:
                async with turn.speculate(partial(self.answer, turn, heard)):
                    self.show(f"user: {await turn.end()}")
                    # leaving the block waits for the answer
            answer = " ".join(text.strip() for text in heard).strip()
            self.show(f"agent: {answer}{' (interrupted)' * answering.cancelled_caught}")
            self.remember("user", turn.text)
            self.remember("assistant", answer)

    def remember(self, role: str, content: str) -> None:
        """Add a message to the history, unless it is empty."""
        if content:
            self.history.append({"role": role, "content": content})

    async def answer(self, turn: Turn, heard: list[str], text: str) -> None:
        """Answer the *text* of a turn, which may not be over.

        If the user goes on, this is cancelled, and called again with more text. So until the end of
        the turn it may only do what nobody notices: ask the model, and generate speech.
        """
        if not text:
            return  # a noise
        self.show(f"(works on an answer to {text!r})")
        history = [*self.history, {"role": "user", "content": text}]
        async with trio.open_nursery() as nursery:  # the model writes while the agent speaks
            send, receive = trio.open_memory_channel[str](0)
            nursery.start_soon(self.write, history, send)
            await self.speak(Pieces(receive), turn, heard)

    async def write(self, history: list[Message], send: trio.MemorySendChannel[str]) -> None:
        """Send what the model writes to a channel, as it is written."""
        with send:
            async with aclosing(self.think(history)) as tokens:
                async for token in tokens:
                    await send.send(token)

    async def speak(self, pieces: Pieces, turn: Turn, heard: list[str]) -> None:
        """Speak an answer, in as many contexts as it takes. Leaving the block cancels a context."""
        while True:
            try:
                async with self.pool.speak(pieces, **SPEECH) as context:
                    await turn.end()  # an answer that came too early is cancelled here at last
                    await self.play(context, heard)
            except ContextExpired as expired:  # the model paused for more than a second
                pieces.put_back(expired.unspoken)
            else:
                return

    async def play(self, context: Context, heard: list[str]) -> None:
        """Play a context, and note what was heard of it; if cancelled, be silent at once."""
        playout = context.playout()
        try:
            async for frame in playout:
                await self.output.play(frame.audio)
        finally:
            self.output.clear()
            heard.append(playout.heard.text)


async def talk(client: Cartesia, call: Call, think: Think, show: Show) -> list[Message]:
    """Connect an agent to a call until the user has hung up; return the agent's history."""
    async with (
        client.tts.websocket_pool(max_contexts=2) as pool,  # one is cancelled, another one begins
        client.stt.auto_finalize.websocket(model="ink-2", **AUDIO) as session,
        trio.open_nursery() as nursery,  # it ends before the connections do
    ):
        nursery.start_soon(send, call, session)
        agent = Agent(pool, think=think, output=call, show=show)
        await agent.converse(session)
    return agent.history


async def send(call: Call, session: AutoFinalizeSession) -> None:
    """Send what the user says to the service, all the time."""
    await session.feed(call, pace="as_fast_as_possible")  # a microphone has a pace of its own
    await session.no_more_audio()


@asynccontextmanager
async def open_client() -> AsyncIterator[Cartesia]:
    """Make a client of the API if there is a key, else of a local service."""
    if os.environ.get("CARTESIA_API_KEY") or os.environ.get("CARTESIA_BASE_URL"):
        async with Cartesia() as client:
            yield client
    else:
        async with open_server() as server, Cartesia(base_url=server.url) as client:
            yield client


async def main(user: bytes | None) -> tuple[Call, list[str]]:
    """Hold a dialogue; return its sound and its lines."""
    lines = []

    def show(line: str) -> None:
        lines.append(f"{trio.current_time() - call.begun_at:6.2f} s  {line}")
        print(lines[-1], flush=True)

    async with open_client() as client:
        call = Call(user or await make_user(client))
        await talk(client, call, think, show)
    return call, lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Talk with an agent that can be interrupted.")
    parser.add_argument("--user", type=Path, help="a WAV: 16 kHz, mono, 16 bits a sample")
    arguments = parser.parse_args()
    finished, lines = trio.run(main, arguments.user and read_user(arguments.user))
    finished.save(Path("dialogue.wav"))
    Path("dialogue.txt").write_text("\n".join(lines) + "\n")

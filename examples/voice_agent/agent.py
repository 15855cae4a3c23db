"""
A voice agent in miniature: a model writes, the agent speaks, and the user may interrupt.

The agent fills the silence while the model thinks, speaks what the model writes as it is written,
stops the moment it is interrupted, and finds a way when the plan allows no more voices at once.
Its model and its loudspeaker are arguments, so a test can bring its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Self

import trio

from trio_cartesia import Cartesia, ConcurrencyLimited, Connection, Context, ContextExpired

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


class Draft:
    """What the model writes, kept, so that it can be read while it is written, and again."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.is_finished = False
        self.changed = trio.lowlevel.ParkingLot()

    async def write(self, tokens: AsyncGenerator[str]) -> None:
        """Take the tokens as they come."""
        async with aclosing(tokens):
            async for token in tokens:
                self.tokens.append(token)
                self.changed.unpark_all()
        self.is_finished = True
        self.changed.unpark_all()


class Reader:
    """Reads a draft from the start, waiting for what is not written yet."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.position = 0

    def go_back(self, tokens: Iterable[str]) -> None:
        """Read these last ones again."""
        self.position -= len(list(tokens))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while self.position == len(self.draft.tokens):
            if self.draft.is_finished:
                raise StopAsyncIteration
            await self.draft.changed.park()
        self.position += 1
        return self.draft.tokens[self.position - 1]


class Agent:
    """Answers aloud, one turn after the other, over one connection."""

    def __init__(self, connection: Connection, *, think: Think, play: Play, show: Show) -> None:
        self.connection = connection
        self.think, self.play, self.show = think, play, show
        self.turn = trio.CancelScope()

    async def answer(self, question: str) -> bool:
        """Answer, and tell whether the user has let us finish."""
        with trio.CancelScope() as self.turn:
            async with trio.open_nursery() as nursery:
                draft = Draft()
                nursery.start_soon(draft.write, self.think(question))
                await self.speak(draft)
        return not self.turn.cancelled_caught

    def interrupt(self) -> None:
        """Stop speaking, now: the user does."""
        self.turn.cancel()

    async def speak(self, draft: Draft) -> None:
        """Play a filler, and after it the answer, which is spoken meanwhile."""
        reader = Reader(draft)
        async with (
            self.connection.speak(FILLER, **SETTINGS) as filler,
            self.connection.speak(reader, **SETTINGS) as answer,
        ):
            with suppress(ConcurrencyLimited):  # it would have been nice to have
                await self.play_all(filler)
            try:
                await self.play_all(answer)
            except ConcurrencyLimited:
                reader = Reader(draft)
            except ContextExpired as expired:  # the model paused for longer than a second
                reader.go_back(expired.unspoken)
            else:
                return
        await self.speak_rest(reader)

    async def speak_rest(self, reader: Reader) -> None:
        """Go on in new contexts; if there is no voice to be had, show the text."""
        patience = list(RETRY_SECONDS)
        while patience:
            try:
                async with self.connection.speak(reader, **SETTINGS) as answer:
                    await self.play_all(answer)
            except ContextExpired as expired:
                reader.go_back(expired.unspoken)
            except ConcurrencyLimited:
                await trio.sleep(patience.pop(0))
                reader = Reader(reader.draft)
            else:
                return
        self.show("".join([token async for token in reader]))

    async def play_all(self, context: Context) -> None:
        """Play the audio of a context as it comes."""
        async for audio in context.audio():
            await self.play(audio)


async def main() -> None:
    """Talk to yourself: the model is a list of words, and the loudspeaker counts bytes."""

    async def think(question: str) -> AsyncGenerator[str]:
        for word in f"You asked: {question} I have no idea.".split():
            yield f"{word} "
            await trio.sleep(0.05)

    async def play(audio: bytes) -> None:
        print(f"playing {len(audio)} bytes")
        await trio.lowlevel.checkpoint()

    async with Cartesia() as client, client.tts.websocket_connect() as connection:
        await Agent(connection, think=think, play=play, show=print).answer("How are you?")


if __name__ == "__main__":
    trio.run(main)

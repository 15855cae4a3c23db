"""Stand-ins for a user, a telephone and a language model, so that the agent runs offline."""

from __future__ import annotations

import wave
from array import array
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any, Self

import trio

from trio_cartesia import Cartesia

RATE = 16000
BYTES_PER_SECOND = 2 * RATE
FRAME_BYTES = BYTES_PER_SECOND // 50
AUDIO: dict[str, Any] = {"encoding": "pcm_s16le", "sample_rate": RATE}

LINES = (  # and the seconds of silence after each of them
    ("I would like to know", 0.3),  # in which the agent works on an answer already
    ("what we see on the walking tour.", 5.0),
    ("Sorry, where are we now?", 5.0),  # interrupts the answer
    ("Yes, please go on.", 5.0),
    ("Thank you, that is enough.", 2.0),  # interrupts it again
)
Message = dict[str, str]  # of the form that language models take: its role and its content


class Call:
    """A call that begins when it is made, and goes on in real time.

    Iterating it gives what a microphone does: 20 ms of the user's audio, each time they are over.
    What is played is heard at once, each frame after the one before.
    """

    def __init__(self, user: bytes) -> None:
        self.user, self.agent = user, bytearray()
        self.begun_at, self.taken = trio.current_time(), 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        frame = self.user[self.taken : self.taken + FRAME_BYTES]
        if not frame:
            raise StopAsyncIteration
        self.taken += len(frame)
        await trio.sleep_until(self.begun_at + self.taken / BYTES_PER_SECOND)
        return frame

    async def play(self, frame: bytes) -> None:
        """Play a frame after those before it."""
        await trio.lowlevel.checkpoint()
        self.agent += bytes(max(0, self.position - len(self.agent)))  # it was silent until now
        self.agent += frame

    def clear(self) -> None:
        """Drop what was not played yet."""
        del self.agent[self.position :]

    @property
    def position(self) -> int:
        """The bytes of each channel that are over by now."""
        return 2 * round((trio.current_time() - self.begun_at) * RATE)

    def save(self, path: Path) -> None:
        """Write a WAV with the user on the left, and the agent on the right."""
        size = max(len(self.user), len(self.agent))
        stereo = array("h", bytes(2 * size))
        stereo[::2] = array("h", self.user.ljust(size, b"\0"))
        stereo[1::2] = array("h", self.agent.ljust(size, b"\0"))
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", ""))
            file.writeframes(stereo)


def read_user(path: Path) -> bytes:
    """Read a WAV: 16 kHz, mono, 16 bits a sample."""
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            raise SystemExit(f"{path} must have one channel, 16 bits a sample, {RATE} a second")
        audio: bytes = file.readframes(file.getnframes())
        return audio


async def make_user(client: Cartesia, lines: Iterable[tuple[str, float]] = LINES) -> bytes:
    """Speak the lines of a user, each with seconds of silence after it."""
    audio = bytearray(BYTES_PER_SECOND // 2)
    async with client.tts.websocket_connect() as connection:
        for line, pause_seconds in lines:
            async with connection.speak(
                line,
                model_id="sonic-latest",
                voice="a0e99841-438c-4a64-b679-ae501e7d6091",
                output_format=AUDIO,
            ) as context:
                audio += (await context.collect()).audio + bytes(2 * int(pause_seconds * RATE))
    return bytes(audio)


TOUR = (
    "We start at the old harbour, where the ferries come in. From there we walk along the city "
    "wall, and up to the cathedral with its two towers. Behind it is the market, where we taste "
    "bread and cheese. At the end we go down to the river, and take a boat back to the harbour."
)


async def think(history: list[Message]) -> AsyncGenerator[str]:
    """Write an answer to the last message of *history*, a word at a time.

    To use a language model, yield its tokens here. It may take its time, and may be cancelled at
    any await. Any client works that runs under Trio, such as those that are built on HTTPX::

        async with model.stream(messages=history) as stream:
            async for token in stream:
                yield token
    """
    for word in reply(history).split():
        yield f"{word} "
        await trio.sleep(0.02)


def reply(history: list[Message]) -> str:
    """Return the whole answer."""
    question = history[-1]["content"].casefold()
    rest = TOUR
    for message in history:
        if message["role"] == "assistant":  # what the user has heard: they may have interrupted it
            rest = rest.removeprefix(message["content"]).strip()
    if "where" in question:
        last_words = " ".join(TOUR.removesuffix(rest).split()[-3:])
        return f'We are at "{last_words}". Shall I go on?' if last_words else "At the beginning."
    if "tour" in question or "go on" in question:
        return rest or "That was the whole tour."
    if "thank" in question:
        return "You are welcome. Goodbye!"
    return "I can tell you about the walking tour."

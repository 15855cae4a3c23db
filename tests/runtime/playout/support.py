"""A far end that plays frames, and scripted speech for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import attrs
import trio

from tests.support import SETTINGS
from trio_cartesia import Context, ContextOptions
from trio_cartesia.testing import Link, Peer, connected_pair

RATE: Final = 8000
FRAME: Final = 0.02  # seconds
FRAME_BYTES: Final = 160
SPEECH: Final = b"\x01"  # one sample of it, which is never silence

PHONE: Final[ContextOptions] = {
    **SETTINGS,
    "output_format": {"encoding": "pcm_mulaw", "sample_rate": RATE},
    "add_timestamps": True,
}


@attrs.define(eq=False)
class FarEnd:
    """Plays frames one after the other, each as soon as it can, until it is cleared.

    Attributes:
        frames: When each was received, and its audio.
        cleared_at: When it stopped and forgot what it had.
    """

    frames: list[tuple[float, bytes]] = attrs.field(factory=list)
    cleared_at: float = float("inf")

    def put(self, audio: bytes) -> None:
        self.frames.append((trio.current_time(), audio))

    def speech_seconds(self, now: float) -> float:
        """Return how much speech it has played until *now*."""
        free_at, samples = float("-inf"), 0
        for received_at, audio in self.frames:
            began_at = max(free_at, received_at)
            free_at = began_at + len(audio) / RATE
            played = round((min(now, self.cleared_at) - began_at) * RATE)
            samples += audio[: max(0, played)].count(SPEECH)
        return samples / RATE


@attrs.frozen
class Part:
    """A chunk of speech with a word in it.

    Attributes:
        wait_seconds: Before it is sent.
        samples: Its length.
        is_word_first: Whether the time of its word is sent before its audio.
    """

    wait_seconds: float
    samples: int
    is_word_first: bool = True


def text_of(parts: Sequence[Part]) -> str:
    return "".join(f"word{number}, " for number in range(len(parts)))


async def speak_until_lost(peer: Peer, parts: Sequence[Part]) -> None:
    """Speak *parts* in context "a", a word each, as long as there is a connection."""
    with suppress(trio.BrokenResourceError):
        await speak(peer, parts)


async def speak(peer: Peer, parts: Sequence[Part]) -> None:
    """Speak *parts* in context "a", a word each."""
    start = 0.0
    for number, part in enumerate(parts):
        await trio.sleep(part.wait_seconds)
        end = start + part.samples / RATE
        times = [(f"word{number},", start, end)]
        if part.is_word_first:
            await peer.words("a", times)
        await peer.chunk("a", SPEECH * part.samples)
        if not part.is_word_first:
            await peer.words("a", times)
        start = end
    await peer.done("a")


@asynccontextmanager
async def spoken(
    parts: Sequence[Part], link: Link | None = None, **settings: object
) -> AsyncIterator[tuple[Context, Peer]]:
    """A context in which *parts* are spoken from now on, and the peer that speaks."""
    pair = connected_pair(link=link or Link(), pipe_bytes=2**20)
    async with pair as (connection, peer), trio.open_nursery() as nursery:
        async with connection.context(**{**PHONE, **settings}, context_id="a") as context:
            await context.push(text_of(parts))
            await context.no_more_inputs()
            nursery.start_soon(speak_until_lost, peer, parts)
            yield context, peer
        nursery.cancel_scope.cancel()

from __future__ import annotations

import pytest
import trio

from tests.server.voices.espeak.children import wait_busy
from tests.server.voices.espeak.speech import PROSE, utterance, words_of
from trio_cartesia.server.voices.espeak.client import espeak_client
from trio_cartesia.server.voices.espeak.voice import Espeak


async def test_every_task_gets_its_own_words() -> None:
    """Tasks that speak at the same time do not mix their words or their audio."""
    voice = Espeak()
    texts = [" ".join(["word"] * count) for count in range(1, 13)]
    spoken = {}

    async def speak_one(text: str) -> None:
        spoken[text] = await voice.speak(utterance(text))

    async with trio.open_nursery() as nursery:
        for text in texts:
            nursery.start_soon(speak_one, text)
    assert [words_of(spoken[text]) for text in texts] == [text.split() for text in texts]
    lengths = [len(spoken[text].samples) for text in texts]
    assert lengths == sorted(lengths)


async def test_other_tasks_run_meanwhile() -> None:
    """A long text leaves the loop to other tasks, which run many times before it ends."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        await Espeak().speak(utterance(PROSE * 5))
        nursery.cancel_scope.cancel()
    assert ticks > 5


@pytest.mark.slow
async def test_a_cancelled_voice_stops() -> None:
    """A cancelled text is not spoken to its end, and the voice speaks the next one as ever."""
    voice = Espeak()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(voice.speak, utterance(PROSE * 1000))
        await wait_busy(espeak_client)
        nursery.cancel_scope.cancel()
    assert nursery.cancel_scope.cancelled_caught
    assert words_of(await voice.speak(utterance("Hello world"))) == ["Hello", "world"]

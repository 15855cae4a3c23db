"""Sessions that reconnect to the local service, whose connections are cut anywhere."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from tests.support import SETTINGS, VOICE
from trio_cartesia import Cartesia, Gap, Reconnect
from trio_cartesia.server import Behaviour, open_server, open_voice
from trio_cartesia.testing import connect_in_memory

pytestmark = pytest.mark.slow

AUDIO = {"encoding": "pcm_s16le", "sample_rate": 16_000}
SECOND = 32_000
SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "My friendly engineer repaired the broken bridge.",
    "An old sailor crossed the northern sea in winter.",
    "Her youngest child found seven coins under the table.",
)


@asynccontextmanager
async def speaking(seed):
    """A client, the sentences as they were spoken, and a function from which on its connections are
    cut after a random number of bytes.
    """
    random_ = random.Random(seed)  # noqa: S311  # not for secrets
    most = 0

    async with (
        open_server(
            port=None,
            voice=open_voice("espeak"),
            recognizer="own",
            behaviour=Behaviour(times_real_time=float("inf")),
        ) as server,
        connect_in_memory(server) as connect,
    ):

        async def open_stream(host, port):
            stream = await connect(host, port)
            if most:
                stream.cut_after(random_.randint(1_000, most))
            return stream

        def cut(most_bytes):
            nonlocal most
            most = most_bytes

        async with Cartesia(base_url=server.url, open_stream=open_stream) as client:
            clips = []
            for sentence in SENTENCES:
                async with (
                    client.tts.websocket_connect() as connection,
                    connection.speak(
                        sentence, **{**SETTINGS, "voice": VOICE, "output_format": AUDIO}
                    ) as context,
                ):
                    speech = await context.collect()
                clips.append(bytes(SECOND) + speech.audio + bytes(SECOND))
            yield client, clips, cut


@pytest.mark.parametrize("seed", range(2))
def test_the_text_is_that_of_the_sentences(seed):
    """With manual finalize, cut at any byte, each sentence is transcribed once and whole."""

    async def main():
        async with speaking(seed) as (client, clips, cut):
            cut(20 * SECOND)
            opened = client.stt.manual_finalize.websocket(
                model="ink-2", **AUDIO, reconnect=Reconnect(attempts=20)
            )
            async with opened as session:
                for sentence, clip in zip(SENTENCES, clips, strict=True):
                    await session.feed(clip, pace="as_fast_as_possible")
                    assert (await session.finalize()).strip() == sentence
                statistics = session.statistics()
            assert statistics.connections_opened > 1
            assert statistics.gap_seconds == 0
            assert session.transcript.final.split() == " ".join(SENTENCES).split()

    trio.run(main, clock=MockClock(rate=4))


@pytest.mark.parametrize("seed", range(2))
def test_turns_are_those_of_the_sentences(seed):
    """With turns, cut at any byte, each sentence is the text of one turn."""

    async def main():
        texts, gaps = [], []

        async def receive():
            async for event in session.receive():
                if event.type == "turn.end":
                    texts.append(event.transcript)
                elif isinstance(event, Gap):
                    gaps.append(event)

        async with speaking(seed) as (client, clips, cut), trio.open_nursery() as nursery:
            cut(20 * SECOND)
            opened = client.stt.auto_finalize.websocket(
                model="ink-2", **AUDIO, reconnect=Reconnect(attempts=20)
            )
            async with opened as session:
                nursery.start_soon(receive)
                for clip in clips:
                    await session.feed(clip)
                assert session.statistics().connections_opened > 1
        assert not gaps
        assert texts == list(SENTENCES)

    trio.run(main, clock=MockClock(rate=4))

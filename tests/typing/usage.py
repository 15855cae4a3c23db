"""What users write, for the type checker; nothing here is run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_type

import trio

import trio_cartesia.blocking
import trio_cartesia.testing
from trio_cartesia import (
    AsyncSpeakablePieces,
    Cartesia,
    Chunk,
    Connection,
    ConnectionStatistics,
    Context,
    ContextOptions,
    Event,
    RawOutputFormat,
    SampleFormat,
    SpeakablePieces,
    Speech,
    speakable,
)
from trio_cartesia.server import Server
from trio_cartesia.testing import (
    Peer,
    ServiceThread,
    TrioStateMachine,
    connect_in_memory,
    connected_pair,
    service_in_thread,
)

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": {"id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
    "add_timestamps": True,
}


async def tokens() -> AsyncIterator[str]:
    await trio.sleep(1)
    yield "Hello."


async def connect() -> None:
    async with Cartesia() as client, client.tts.websocket_connect() as connection:
        assert_type(client, Cartesia)
        assert_type(connection, Connection)
        assert_type(connection.statistics(), ConnectionStatistics)
        async with connection.context(**SETTINGS) as context:
            await converse(context)
        async with connection.speak(tokens(), **SETTINGS) as context:
            assert_type(await context.collect(), Speech)
            assert_type(context.statistics().timings.first_audio_seconds, float | None)
        assert_type(speakable("**Hello.**"), SpeakablePieces)
        assert_type(speakable(tokens()), AsyncSpeakablePieces)
        async with connection.speak(speakable(tokens()), **SETTINGS) as context:
            assert_type(await context.collect(), Speech)
        async with connection.speak(["Hello, ", "world."], **SETTINGS) as context:
            assert_type([piece async for piece in context.audio()], list[bytes])


async def converse(context: Context) -> None:
    await context.push("Hello.", generation_config={"speed": 1.2})
    await context.feed(tokens())
    async for event in context.receive():
        assert_type(event, Event)
        if event.type == "chunk":
            assert_type(event, Chunk)
            assert_type(event.audio, bytes)
        elif event.type == "timestamps":
            assert_type(event.word_timestamps.words, tuple[str, ...])


def speak_in_a_thread() -> None:
    with (
        trio_cartesia.blocking.Cartesia() as client,
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS) as context,
    ):
        assert_type(client, trio_cartesia.blocking.Cartesia)
        assert_type(connection, trio_cartesia.blocking.Connection)
        assert_type(connection.statistics(), ConnectionStatistics)
        assert_type(context, trio_cartesia.blocking.Context)
        context.push("Hello.", generation_config={"speed": 1.2})
        context.feed(["Hello, ", "world."])
        context.feed(tokens())  # type: ignore[arg-type]  # asynchronous pieces are not for threads
        for event in context.receive():
            assert_type(event, Event)
        assert_type(list(context.audio()), list[bytes])
        assert_type(context.collect(), Speech)
    context.nonsense()  # type: ignore[attr-defined]


async def test_tools(server: Server) -> None:
    async with connected_pair() as (connection, peer), connect_in_memory(server) as open_stream:
        assert_type(connection, Connection)
        assert_type(peer, Peer)
        assert_type(await peer.receive(), dict[str, Any])
        Cartesia(open_stream=open_stream)
    with service_in_thread(voice="tones") as service:
        assert_type(service, ServiceThread)
        assert_type(service.state(), dict[str, Any])


class Machine(TrioStateMachine):
    def end(self) -> None:
        assert_type(self.tasks_living(), int)


def samples(output_format: RawOutputFormat) -> bytes:
    assert_type(output_format.sample_format, SampleFormat)
    return output_format.sample_format.wav_header()


# the packages load their names late, and checkers know all the same which there are
trio_cartesia.Nonsense  # type: ignore[attr-defined]  # noqa: B018
trio_cartesia.blocking.Nonsense  # type: ignore[attr-defined]  # noqa: B018
trio_cartesia.testing.Nonsense  # type: ignore[attr-defined]  # noqa: B018
Peer("a", {})  # type: ignore[call-arg]  # it has no public constructor

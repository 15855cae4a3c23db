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
    ManualFinalizeSession,
    Microphone,
    MicrophoneStatistics,
    RawOutputFormat,
    Reconnect,
    Recording,
    SampleFormat,
    SpeakablePieces,
    Speech,
    Transcript,
    open_microphone,
    open_recording,
    speakable,
)
from trio_cartesia._http.resources.voices import Voices
from trio_cartesia.server import Server
from trio_cartesia.testing import (
    Peer,
    ServiceThread,
    TrioStateMachine,
    connect_in_memory,
    connected_pair,
    service_in_thread,
)
from trio_cartesia.types import (
    AudioResponse,
    BytesOptions,
    DatasetFile,
    Listing,
    Page,
    RawResponse,
    Voice,
)

SETTINGS: ContextOptions = {
    "model_id": "sonic-latest",
    "voice": {"id": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 44100},
    "add_timestamps": True,
}


SPEECH: BytesOptions = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "transcript": "Hello.",
    "output_format": {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000},
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


async def transcribe(client: Cartesia, microphone: AsyncIterator[bytes]) -> None:
    opening = client.stt.manual_finalize.websocket(
        model="ink-2",
        encoding="pcm_s16le",
        sample_rate=16000,
        keyterms=["Cartesia"],
        reconnect=Reconnect(attempts=3, replay_seconds=10),
    )
    async with opening as session:
        assert_type(session, ManualFinalizeSession)
        await session.feed(microphone)
        assert_type(await session.finalize(), str)
        assert_type(session.transcript.final, str)
        async with session.mute():
            await trio.sleep(1)
        async for event in session.receive():
            if event.type == "transcript":
                assert_type(event, Transcript)
    transcript = await client.stt.transcribe(b"RIFF", model="ink-whisper")
    assert_type(transcript.text, str)
    assert_type(transcript.subtitles("vtt"), str)


async def transcribe_sources(client: Cartesia) -> None:
    async with (
        open_recording("speech.wav") as recording,
        open_microphone(sample_rate=24000) as microphone,
        client.stt.manual_finalize.websocket(
            model="ink-2", encoding=recording.encoding, sample_rate=microphone.sample_rate
        ) as session,
    ):
        assert_type(recording, Recording)
        assert_type(microphone, Microphone)
        assert_type(microphone.statistics(), MicrophoneStatistics)
        await session.feed(recording)
        async for audio in microphone:
            assert_type(audio, bytes)
            await session.send_audio(audio)


def transcribe_sources_in_a_thread(client: trio_cartesia.blocking.Cartesia) -> None:
    with (
        trio_cartesia.blocking.open_recording(client, "speech.wav") as recording,
        trio_cartesia.blocking.open_microphone(client) as microphone,
        client.stt.manual_finalize.websocket(
            model="ink-2", encoding=recording.encoding, sample_rate=recording.sample_rate
        ) as session,
    ):
        session.feed(recording)
        assert_type(list(recording), list[bytes])
        assert_type(next(microphone), bytes)


RAW = RawOutputFormat(encoding="pcm_s16le", sample_rate=8000)


async def request(client: Cartesia) -> None:
    async with client.tts.generate(**SPEECH) as response:
        assert_type(response, AudioResponse)
        assert_type([piece async for piece in response], list[bytes])
        assert_type(await response.read(), bytes)
    async with client.tts.generate_sse(
        model_id="sonic-latest",
        voice="v",
        transcript="Hello.",
        output_format=RAW,
        add_timestamps=True,
    ) as events:
        assert_type([event async for event in events], list[Event])
    client.tts.generate(**SPEECH, add_timestamps=True)  # type: ignore[call-arg]  # of events only
    assert_type(await client.voices.get("v", max_retries=0), Voice)
    assert_type(client.voices.list(limit=3), Listing[Voice])
    async for voice in client.voices.list(gender="feminine"):
        assert_type(voice, Voice)
    async for page in client.datasets.files.list("d").pages():
        assert_type(page, Page[DatasetFile])
    await client.voices.clone(clip=tokens(), name="n", language="en")  # type: ignore[arg-type]  # text
    await client.datasets.delete("d")
    assert_type(await client.agents.metrics.results.export(), str)
    assert_type(await client.request("GET", "/locales"), RawResponse)
    assert_type(client.with_options(extra_headers={"X-Team": "a"}).voices, Voices)
    client.with_options(timeout=3)  # type: ignore[call-arg]
    client.nonsense  # type: ignore[attr-defined]  # noqa: B018


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
        with client.tts.generate(**SPEECH) as response:
            assert_type(list(response), list[bytes])
        assert_type([voice.name for voice in client.voices.list()], list[str])
        assert_type(client.voices.get("v"), Voice)
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

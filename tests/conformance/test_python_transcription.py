"""The official Python client where it sends speech: recordings, finalizing and turns.

It sends what the service itself has spoken, which its own recogniser knows word for word.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import trio

import trio_cartesia
from tests.conformance.python import (
    MARKS,
    RAW,
    SETTINGS,
    cartesia,
    on_asyncio,
    open_client,
    pydantic,
)
from tests.conformance.service import KEY

pytestmark = MARKS

TEXT = "The quick brown fox jumps over the lazy dog."
STREAM: dict[str, Any] = {"encoding": "pcm_s16le", "sample_rate": 16000}
FRAME_BYTES = 3200
SECOND = bytes(32000)


async def spoken(client: Any) -> bytes:
    response = await client.tts.generate(**SETTINGS | {"output_format": RAW}, transcript=TEXT)
    return await response.read()


def frames(audio: bytes) -> list[bytes]:
    return [audio[start : start + FRAME_BYTES] for start in range(0, len(audio), FRAME_BYTES)]


@on_asyncio
async def test_a_recording_is_transcribed(service, form):
    """The text is what was spoken, and words come with their times."""
    async with open_client(form) as client:
        audio = await spoken(client)
        found = await client.stt.transcribe(
            file=audio,
            model="ink-whisper",
            language="en",
            timestamp_granularities=["word"],
            extra_query=STREAM,
        )
    assert found.text == TEXT
    assert [word.word for word in found.words] == TEXT.split()
    assert found.duration == pytest.approx(len(audio) / 32000, abs=0.001)


@on_asyncio
async def test_what_is_no_recording(service, form):
    """Bytes that are no audio are refused with the code for that."""
    async with open_client(form) as client:
        with pytest.raises(cartesia.BadRequestError) as caught:
            await client.stt.transcribe(file=b"RIFF", model="ink-whisper")
    assert caught.value.body["error_code"] == "unsupported_audio_format"


@on_asyncio
async def test_finalizing(service, form):
    """Final pieces add up to what was spoken, and each command has its answer."""
    schema = pydantic.TypeAdapter(cartesia.types.stt.STTManualFinalizeWebsocketResponse)
    events = []
    async with open_client(form) as client:
        audio = await spoken(client)
        manual = client.stt.manual_finalize.websocket(
            **STREAM, model="ink-2", keyterm=["quick brown", "fox"]
        )
        async with manual as connection:
            for frame in frames(audio + SECOND):
                await connection.send_raw(frame)
            await connection.send("finalize")
            await connection.send("close")
            async for event in connection:
                schema.validate_python(event.model_dump(), strict=True)
                events.append(event)
    finals = [event.text for event in events if event.type == "transcript" and event.is_final]
    assert "".join(finals).strip() == TEXT
    assert [event.type for event in events][-2:] == ["flush_done", "done"]


@on_asyncio
async def test_turns(service, form):
    """What was spoken is one turn or several, whose texts add up to it."""
    schema = pydantic.TypeAdapter(cartesia.types.stt.STTAutoFinalizeWebsocketResponse)
    events = []
    async with open_client(form) as client:
        audio = await spoken(client)
        turns = client.stt.auto_finalize.websocket(
            **STREAM, model="ink-2", turn_end_timeout_ms=1000
        )
        async with turns as connection:
            await connection.send({"type": "config", "turn": {"end_threshold": 0.1}})
            for frame in frames(SECOND + audio + 3 * SECOND):
                await connection.send_raw(frame)
            await connection.send({"type": "close"})
            async for event in connection:
                schema.validate_python(event.model_dump(), strict=True)
                events.append(event)
    first, second, *_ = kinds = [event.type for event in events]
    assert (first, second, kinds[-1]) == ("connected", "turn.start", "turn.end")
    texts = [event.transcript for event in events if event.type == "turn.end"]
    assert " ".join(texts) == TEXT


async def received_by_ours(kind: str, settings: dict[str, Any], audio: bytes) -> list[Any]:
    """Send the same audio with the client of this package; return its events."""
    async with trio_cartesia.Cartesia(KEY) as client:
        modes = {"manual": client.stt.manual_finalize, "turns": client.stt.auto_finalize}
        async with modes[kind].websocket(**STREAM, model="ink-2", **settings) as session:
            await session.feed(audio, pace="as_fast_as_possible")
            await session.no_more_audio()
            return [event async for event in session.receive()]


async def received_by_theirs(
    client: Any, kind: str, settings: dict[str, Any], audio: bytes
) -> list[Any]:
    modes = {"manual": client.stt.manual_finalize, "turns": client.stt.auto_finalize}
    async with modes[kind].websocket(**STREAM, model="ink-2", **settings) as connection:
        for frame in frames(audio):
            await connection.send_raw(frame)
        await connection.send("close" if kind == "manual" else {"type": "close"})
        return [event async for event in connection]


def shown(event: Any) -> tuple[Any, ...]:
    names = ("type", "text", "is_final", "duration", "language", "transcript")
    return tuple(getattr(event, name, None) for name in names)


@pytest.mark.parametrize(
    ("kind", "theirs", "ours"),
    [
        ("manual", {"keyterm": ["brown fox"]}, {"keyterms": ["brown fox"]}),
        ("turns", {"turn_end_timeout_ms": 1000}, {"turn_end_timeout_ms": 1000}),
    ],
)
@on_asyncio
async def test_ours_receives_the_same(service, form, kind, theirs, ours):
    """For the same audio and settings, both clients receive the same events, field by field."""
    async with open_client(form) as client:
        audio = SECOND + await spoken(client) + 3 * SECOND
        received = await received_by_theirs(client, kind, theirs, audio)
    own = await asyncio.to_thread(trio.run, received_by_ours, kind, ours, audio)
    assert [shown(event) for event in own] == [shown(event) for event in received]
    assert len(own) > 5


@on_asyncio
async def test_ours_reads_the_same_recording(service, form):
    """For the same recording, both clients return the same text and words."""
    words = ["word"]

    async def transcribe() -> Any:
        async with trio_cartesia.Cartesia(KEY) as ours:
            return await ours.stt.transcribe(
                audio, model="ink-whisper", timestamp_granularities=words, **STREAM
            )

    async with open_client(form) as client:
        audio = await spoken(client)
        found = await client.stt.transcribe(
            file=audio, model="ink-whisper", timestamp_granularities=words, extra_query=STREAM
        )
    own = await asyncio.to_thread(trio.run, transcribe)
    assert (own.text, own.language, own.duration) == (found.text, found.language, found.duration)
    times = [(word.word, word.start, word.end) for word in own.words]
    assert times == [(word.word, word.start, word.end) for word in found.words]

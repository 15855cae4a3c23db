"""The three ways to have a recording transcribed, through our own client."""

from __future__ import annotations

from typing import Any

from trio_cartesia import Cartesia

PATHS = ("batch", "manual", "turns")


async def transcribed(client: Cartesia, path: str, audio: bytes, **form: Any) -> str:
    """The text of mono samples without a header; the texts of turns are joined by a blank."""
    if path == "batch":
        return (await client.stt.transcribe(audio, model="ink-whisper", **form)).text
    if path == "manual":
        async with client.stt.manual_finalize.websocket(model="ink-2", **form) as session:
            await session.feed(audio, pace="as_fast_as_possible")
            await session.finalize()  # unlike the end of the block, it waits as long as it takes
        return session.transcript.final.strip()
    async with client.stt.auto_finalize.websocket(model="ink-2", **form) as session:
        await session.feed(audio, pace="as_fast_as_possible")
        await session.no_more_audio()
        return " ".join([await turn.end() async for turn in session.turns()])

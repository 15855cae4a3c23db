"""Whole sessions, cancelled at the first step of any task, then at the second, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import trio

from tests.matrix.cancelling import cancelled_at_any_step
from tests.matrix.scene import client_tasks
from tests.matrix.stt.operations import text_of
from tests.matrix.stt.scene import STTScene, listening_service
from tests.matrix.stt.table import STT_FAULTS, SessionKind, STTRow
from tests.server.stt.support import said, speech
from trio_cartesia import CartesiaError

__all__ = ["cancel_session_at_each_step", "sessions_to_cancel"]

AUDIO: Final = said(1, 2) + 2 * speech()
AMID: Final = frozenset(
    {
        "reset at_frame=4",
        "fin at_byte=2",
        "close at_frame=4 code=1000",
        "silence at_frame=4",
        "malformed_json at_frame=4",
        "quota_exceeded at_frame=4",
        "connection_error at_frame=4 status=500",
        "refused_handshake status=503",
        "stalled_handshake size_bytes=20",
        "garbage_handshake",
    }
)


def sessions_to_cancel() -> Iterator[tuple[STTRow, SessionKind]]:
    """Yield the faults in the midst of which sessions are cancelled, and their kinds."""
    for row in (STTRow(does=""), *STT_FAULTS):
        if row.fault in AMID | {""}:
            for kind in row.kinds:
                yield row, kind


async def cancel_session_at_each_step(row: STTRow, kind: SessionKind) -> int:
    """Open sessions and use them; return how many times one was cancelled.

    Raises:
        AssertionError: Something was left behind.
    """
    async with listening_service() as (server, open_stream):
        scene = STTScene(server, open_stream, row, kind, "")
        times = await cancelled_at_any_step(partial(use, scene))
        assert all(stream._is_closed for stream in scene.streams), "a stream is open"
        await scene.somebody_else()
    return times


async def use(scene: STTScene) -> None:
    """Use a session in most ways; what is cancelled closes in its time."""
    started = trio.current_time()
    try:
        async with scene.websocket() as session:
            await session.feed(AUDIO, pace="as_fast_as_possible")
            if scene.kind == "manual":
                await session.finalize()
                assert text_of(AUDIO).startswith(session.transcript.final)
            await session.no_more_audio()
            if scene.kind == "manual":
                async for _ in session.receive():
                    pass
            else:
                async for turn in session.turns():
                    assert text_of(AUDIO).startswith(await turn.end())
    except CartesiaError as error:
        assert type(error) in (scene.row.ends, scene.row.reports), error
    finally:
        assert trio.current_time() - started <= scene.row.within_seconds
        assert client_tasks() == []

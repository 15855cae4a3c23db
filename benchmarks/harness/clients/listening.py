"""The tasks of speech to text: send audio, receive transcripts, and both at the same time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from harness.measure import Measure

if TYPE_CHECKING:
    from harness.clients.tasks import Client, Plan

LISTENING: Final[dict[str, Any]] = {
    "model": "ink-whisper",
    "encoding": "pcm_s16le",
    "sample_rate": 16000,
}

TASK_SESSIONS: Final = 8  # of a pace, whose pieces are due at the same time


async def send_audio(client: Client, plan: Plan, measure: Measure) -> None:
    """Send each session its part of the pieces, at their pace or one as soon as the last is sent.

    A task sends the pieces of `TASK_SESSIONS`, so that what is measured is not the timers of the
    event loop; tasks take their turns within the interval.
    """
    async with AsyncExitStack() as stack:
        sessions = await _open(client, plan, measure, stack)
        measure.begin()
        await client.gather(_senders(client, plan, sessions))
        measure.frames = plan.frames // len(sessions) * len(sessions)
        measure.report()


def _senders(client: Client, plan: Plan, sessions: list[Any]) -> Iterator[Call]:
    """Yield the tasks that send."""
    groups = [sessions[n : n + TASK_SESSIONS] for n in range(0, len(sessions), TASK_SESSIONS)]
    count, step = plan.frames // len(sessions), plan.interval_seconds / len(groups)
    began = time.perf_counter()
    for number, group in enumerate(groups):
        yield partial(_send_pieces, client, plan, group, count, began + number * step)


async def _send_pieces(
    client: Client, plan: Plan, sessions: list[Any], count: int, due: float
) -> None:
    piece, senders = bytes(plan.bytes), [client.audio_sender(session) for session in sessions]
    for _ in range(count):
        if plan.interval_seconds:
            await client.sleep(max(0.0, due - time.perf_counter()))
            due += plan.interval_seconds
        for send in senders:
            await send(piece)


async def receive_transcripts(client: Client, plan: Plan, measure: Measure) -> None:
    """Receive each session's part of the events; their duration is when they were sent."""
    async with AsyncExitStack() as stack:
        sessions = await _open(client, plan, measure, stack)
        for session in sessions:
            await client.audio_sender(session)(bytes(3200))
        await client.gather(_receivers(client, plan, sessions, measure))
        measure.report()


async def converse(client: Client, plan: Plan, measure: Measure) -> None:
    """Send pieces at their pace, and receive an event for each."""
    async with AsyncExitStack() as stack:
        sessions = await _open(client, plan, measure, stack)
        measure.begin()
        senders = _senders(client, plan, sessions)
        await client.gather(chain(_receivers(client, plan, sessions, measure), senders))
        measure.report()


def _receivers(client: Client, plan: Plan, sessions: list[Any], measure: Measure) -> Iterator[Call]:
    """Yield the tasks that receive."""
    count = plan.frames // len(sessions)
    for session in sessions:
        yield partial(_receive_events, client, session, count, measure)


async def _receive_events(client: Client, session: Any, count: int, measure: Measure) -> None:
    async for event in client.transcripts(session):
        measure.take(event.text, event.duration)
        count -= 1
        if not count:
            return


async def _open(client: Client, plan: Plan, measure: Measure, stack: AsyncExitStack) -> list[Any]:
    connect = await stack.enter_async_context(client.open_listening(plan.url))
    measure.start()
    return [await stack.enter_async_context(connect()) for _ in range(plan.connections)]


Call = Callable[[], Awaitable[None]]
Task = Callable[["Client", "Plan", Measure], Awaitable[None]]
TASKS: Final[dict[str, Task]] = {
    "audio": send_audio,
    "transcripts": receive_transcripts,
    "conversation": converse,
}

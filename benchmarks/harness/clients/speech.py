"""Speech at the pace at which it is spoken, received in three ways by this package."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final

import trio

from harness.clients.tasks import KEY, SETTINGS, Plan
from harness.measure import Measure, resident_bytes
from trio_cartesia import Cartesia, Connection, Context

TEXT: Final = "The quick brown fox jumps over the lazy dog, and then it sleeps. " * 20
BYTES_PER_SECOND: Final = 48_000
START_SECONDS: Final = 2.0  # in which all streams begin, one after another
SETTLE_SECONDS: Final = 1.0


async def receive(context: Context, measure: Measure) -> None:
    """Receive events."""
    async for event in context.receive():
        if event.type == "chunk":
            measure.take(event.audio, None)


async def play_out(context: Context, measure: Measure) -> None:
    """Take frames of 20 ms when it is time to send them."""
    async for frame in context.playout():
        measure.take(frame.audio, None)


Way = Callable[[Context, Measure], Awaitable[None]]
WAYS: Final[dict[str, tuple[Way, dict[str, Any]]]] = {  # and the settings that it adds
    "receive": (receive, {}),
    "word times": (receive, {"add_timestamps": True}),
    "playout": (play_out, {"add_timestamps": True}),
}


class RealTimeSpeech:
    """Streams that all last longer than the measurement; the pace of the plan is a way."""

    def perform(self, plan: Plan) -> None:
        """Receive all streams at once, for the seconds of the plan, and print what that took."""
        trio.run(_perform, plan)


async def _perform(plan: Plan) -> None:
    measure = Measure(plan.pace)
    async with (
        Cartesia(KEY, websocket_base_url=plan.url) as client,
        AsyncExitStack() as stack,
    ):
        connect = client.tts.websocket_connect
        connections = [await stack.enter_async_context(connect()) for _ in range(plan.connections)]
        async with connections[0].speak("Warm.", **SETTINGS) as context:
            await context.collect()  # imports and caches
        gc.collect()
        before = resident_bytes()
        async with trio.open_nursery() as nursery:
            for number, delay in enumerate(_delays(plan.contexts)):
                connection = connections[number % plan.connections]
                nursery.start_soon(_stream, connection, plan.pace, delay, measure)
            await trio.sleep(START_SECONDS + SETTLE_SECONDS)
            measure.begin()
            await trio.sleep(plan.interval_seconds)
            measure.report(
                held_bytes=resident_bytes() - before,
                inbox_peak_bytes=max(each.statistics().inbox_peak_bytes for each in connections),
            )
            nursery.cancel_scope.cancel()


def _delays(contexts: int) -> Iterator[float]:
    return (START_SECONDS * number / contexts for number in range(contexts))


async def _stream(connection: Connection, way: str, delay: float, measure: Measure) -> None:
    take, more = WAYS[way]
    await trio.sleep(delay)
    async with connection.speak(TEXT, **SETTINGS, **more) as context:
        await take(context, measure)

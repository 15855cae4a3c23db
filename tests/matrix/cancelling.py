"""
Each operation, cancelled at the first step, then at the second, and so on, until it completes.

A step is what any task of the run does from one suspension to the next: the caller's, those of the
connection, and those of the service.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import attrs
import trio

from tests.matrix.operations import OPERATIONS, SETTINGS, TEXT, Stage
from tests.matrix.scene import Scene, client_tasks
from tests.matrix.table import QUICK_SECONDS, Row, Whose
from trio_cartesia import Connection
from trio_cartesia._protocol.tombstones import DRAINING_SECONDS
from trio_cartesia.server import Server, open_server
from trio_cartesia.testing import connect_in_memory

__all__ = ["NOTHING_WRONG", "cancel_at_each_step"]

NOTHING_WRONG: Final = Row(whose=Whose.NOBODY, does="")
CONNECTING: Final = ("connect", "close")  # whose block is the connection's


async def cancel_at_each_step(name: str) -> int:
    """
    Play an operation over and over, and return how many times it was cancelled.

    Raises:
        AssertionError: Something was left behind, or somebody else was harmed.
    """
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server) as open_stream,
    ):
        scene = Scene(server, open_stream, NOTHING_WRONG, name)
        if name in CONNECTING:
            times = await cancelled_at_any_step(partial(connect_and_act, scene))
        else:
            times = await on_one_connection(scene)
        assert client_tasks() == []
        assert all(stream._is_closed for stream in scene.streams), "a stream is open"
    for record in server.journal.contexts:
        assert record.cancels <= 1
        assert record.ended
    return times


@attrs.define(eq=False)
class CancelAtStep(trio.abc.Instrument):
    """Cancels *scope* when any task is about to take a step, after *left* others."""

    scope: trio.CancelScope
    left: int

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.left == 0:
            self.scope.cancel("this is the step")
        self.left -= 1


async def cancelled_at_any_step(async_fn: Callable[[], Awaitable[object]]) -> int:
    """Call *async_fn* until it completes before its step has come; return how often that was."""
    for number in itertools.count():
        with trio.CancelScope() as scope:
            instrument = CancelAtStep(scope, number)
            trio.lowlevel.add_instrument(instrument)
            try:
                await async_fn()
            finally:
                trio.lowlevel.remove_instrument(instrument)
        if instrument.left >= 0:
            break
    return number


async def connect_and_act(scene: Scene) -> None:
    """Make a connection for one attempt; what is cancelled closes in its time."""
    started = trio.current_time()
    try:
        async with scene.client().tts.websocket_connect() as connection:
            await act(connection, "v", scene.name)
    finally:
        assert trio.current_time() - started < QUICK_SECONDS


async def on_one_connection(scene: Scene) -> int:
    """Make every attempt on the same connection, which must not feel it."""
    names = (f"v{number}" for number in itertools.count())
    async with scene.client().tts.websocket_connect() as connection:
        tasks = len(client_tasks())

        async def attempt() -> None:
            name = next(names)
            try:
                await act(connection, name, scene.name)
            finally:
                assert connection.statistics().contexts_open == 0
                assert connection.statistics().inbox_bytes == 0

        times = await cancelled_at_any_step(attempt)
        await scene.speak_whole(connection, "next")
        await trio.sleep(DRAINING_SECONDS + 1)
        statistics = connection.statistics()
        assert statistics.contexts_draining == statistics.requests_queued == 0
        assert not statistics.is_lost
        assert len(client_tasks()) == tasks
    check_inputs(scene.server)
    return times


async def act(connection: Connection, context_id: str, name: str) -> None:
    stage = Stage(connection, awaits_end=False, settings=SETTINGS, context_id=context_id)
    async with trio.open_nursery() as nursery:
        await OPERATIONS[name](stage, nursery)


def check_inputs(server: Server) -> None:
    """Check that what the service has heard of each text is the beginning of it."""
    for record in server.journal.contexts:
        heard = "".join(record.transcripts)
        assert (TEXT + TEXT).startswith(heard) or heard.startswith(TEXT)

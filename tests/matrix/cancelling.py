"""Each operation, cancelled at the first step, then at the second, and so on, until it completes.

A step is what any task of the run does from one suspension to the next: the caller's, those of the
connection, and those of the service.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final

import attrs
import trio

from tests.matrix.operations import OPERATIONS, SETTINGS, TEXT, Stage
from tests.matrix.scene import Scene, client_tasks
from tests.matrix.table import FAULTS, Row, Whose
from trio_cartesia import CartesiaError, Connection
from trio_cartesia._protocol.tts.tombstones import DRAINING_SECONDS
from trio_cartesia.server import Server, open_server
from trio_cartesia.testing import connect_in_memory

__all__ = ["NOTHING_WRONG", "amid_faults", "cancel_at_each_step"]

NOTHING_WRONG: Final = Row(whose=Whose.NOBODY, does="")
CONNECTING: Final = ("connect", "close")  # whose block is the connection's
AMID: Final = frozenset(
    {
        "reset context_id=v at_frame=3",
        "fin at_byte=2",
        "close context_id=v at_frame=3 code=1000",
        "stall at_frame=6",
        "silence at_frame=6",
        "latency seconds=0.2",
        "malformed_json context_id=v at_frame=3",
        "bad_base64 context_id=v at_frame=3",
        "quota_exceeded context_id=v at_frame=3",
        "connection_error context_id=v at_frame=3 status=500",
        "refused_handshake status=503",
        "stalled_handshake size_bytes=20",
        "garbage_handshake",
    }
)


def amid_faults() -> Iterator[tuple[Row, str]]:
    """Yield the faults in the midst of which operations are cancelled, and the operations."""
    for row in FAULTS:
        if row.fault in AMID:
            for name in row.only or ("push", "collect", "speak"):
                yield row, name


async def cancel_at_each_step(name: str, row: Row = NOTHING_WRONG) -> int:
    """Play an operation over and over, and return how many times it was cancelled.

    With a fault, each attempt has a connection of its own.

    Raises:
        AssertionError: Something was left behind, or somebody else was harmed.
    """
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server) as open_stream,
    ):
        scene = Scene(server, open_stream, row, name)
        if name in CONNECTING or row.fault:
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

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # any will do
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
            assert connection.statistics().contexts_open == 0
    except CartesiaError as error:
        assert type(error) is scene.row.raises, error
    finally:
        assert trio.current_time() - started < scene.row.within_seconds
        assert client_tasks() == []


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
    raised = None
    async with trio.open_nursery() as nursery:
        try:
            await OPERATIONS[name](stage, nursery)
        except CartesiaError as error:
            raised = error  # out of the group that the nursery would make
    if raised is not None:
        raise raised


def check_inputs(server: Server) -> None:
    """Check that what the service has heard of each text is the beginning of it."""
    for record in server.journal.contexts:
        heard = "".join(record.transcripts)
        assert (TEXT + TEXT).startswith(heard) or heard.startswith(TEXT)

"""Audio that the socket takes at once, and the tasks beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio
from trio_websocket import ConnectionClosed, wrap_server_stream

from tests.runtime.stt.services import SETTINGS
from tests.support import turns_of_others
from trio_cartesia import Cartesia, ManualFinalizeSession
from trio_cartesia._runtime.stt.scheduling import SENDS_IN_A_ROW


@asynccontextmanager
async def session_over_tcp() -> AsyncIterator[tuple[ManualFinalizeSession, list[bytes]]]:
    """A session over TCP on loopback, and the messages that its peer has received."""
    received: list[bytes] = []

    async def accept(stream: trio.SocketStream) -> None:
        async with trio.open_nursery() as connection:
            websocket = await (await wrap_server_stream(connection, stream)).accept()
            try:
                while (message := await websocket.get_message()) != "close":
                    received.append(message)
                await websocket.send_message('{"type":"done"}')
                await websocket.get_message()
            except ConnectionClosed:
                connection.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, accept, listeners)
        port = listeners[0].socket.getsockname()[1]
        client = Cartesia("k", base_url=f"http://127.0.0.1:{port}")
        async with client.stt.manual_finalize.websocket(**SETTINGS) as session:
            yield session, received
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sessions", [1, 3])
async def test_a_loop_that_sends_lets_other_tasks_run(sessions):
    """However many sessions a task sends to, without waiting, others have their turns in between,
    and everything arrives.
    """
    async with AsyncExitStack() as stack:
        pairs = [await stack.enter_async_context(session_over_tcp()) for _ in range(sessions)]
        async with turns_of_others() as turns:
            await trio.lowlevel.checkpoint()
            before = turns.count
            for _ in range(8 * SENDS_IN_A_ROW):
                for session, _ in pairs:
                    await session.send_audio(bytes(40))
            assert turns.count - before >= 8 * sessions - 1
        for session, received in pairs:
            await session.no_more_audio()
            assert [event.type async for event in session.receive()] == ["done"]
            assert received == [bytes(40)] * (8 * SENDS_IN_A_ROW)


async def test_audio_of_a_cancelled_task_is_not_sent():
    """A call that would not wait is cancelled all the same, before anything is sent."""
    async with session_over_tcp() as (session, _):
        with trio.CancelScope() as scope:
            scope.cancel()
            await session.send_audio(bytes(40))
        assert scope.cancelled_caught
        assert session.statistics().audio_bytes_sent == 0

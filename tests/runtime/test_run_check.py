"""Calls from another thread, another run, and outside of Trio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest
import trio

from tests.support import SETTINGS, received_audio
from trio_cartesia import Cartesia, Connection, Context, LocalProtocolError
from trio_cartesia.server import Tones, open_server
from trio_cartesia.testing import connect_in_memory, connected_pair, on_virtual_time

SYNCHRONOUS = {
    "cancel": Context.cancel,
    "receive": Context.receive,
    "audio": Context.audio,
    "statistics": Context.statistics,
}


async def iterate(context: Context) -> None:
    async for _ in ITERATORS[context.context_id]:
        pass


ITERATORS: dict[str, object] = {}

ASYNCHRONOUS = {
    "push": partial(Context.push, transcript="Hello."),
    "flush": Context.flush,
    "no_more_inputs": Context.no_more_inputs,
    "feed": partial(Context.feed, pieces=["Hello."]),
    "collect": Context.collect,
    "iterate": iterate,
}


async def check_harmless(call: Callable[[Context], object]) -> None:
    """Make *call* with a context elsewhere, and check that here everything goes on."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.receive()
            await peer.chunk("a", b"12")
            ITERATORS["a"] = context.receive()
            with pytest.raises(LocalProtocolError) as caught:
                await trio.to_thread.run_sync(call, context)
            assert "trio.from_thread" in str(caught.value) or "another trio.run" in str(
                caught.value
            )
            await peer.chunk("a", b"34")
            await peer.done("a")
            assert b"".join(await received_audio(context)) == b"1234"
        async with connection.context(**SETTINGS, context_id="b") as context:
            await context.push("Hello.")
            await peer.receive()
            await peer.done("b")
            assert (await context.collect()).audio == b""


@pytest.mark.parametrize("name", SYNCHRONOUS)
async def test_a_call_from_a_thread_changes_nothing(name):
    """A call from a worker thread is refused at once, and nobody else notices."""
    await check_harmless(SYNCHRONOUS[name])


@pytest.mark.parametrize("name", ASYNCHRONOUS)
async def test_a_call_in_another_run_changes_nothing(name):
    """A call inside another ``trio.run`` is refused at once, and nobody else notices."""
    await check_harmless(partial(trio.run, ASYNCHRONOUS[name]))


@pytest.mark.parametrize("open_block", ["context", "speak"])
async def test_no_block_is_opened_elsewhere(open_block):
    """A context cannot be opened from another run."""

    async def enter(connection: Connection) -> None:
        arguments = ["Hello."] if open_block == "speak" else []
        async with getattr(connection, open_block)(*arguments, **SETTINGS):
            pass

    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError, match=r"another trio\.run"):
            await trio.to_thread.run_sync(trio.run, enter, connection)
        assert connection.statistics().contexts_opened == 0


def test_a_connection_of_an_earlier_run_says_so():
    """What is kept of a run that has ended is refused in the next one."""
    kept: list[Connection] = []

    async def first() -> None:
        async with connected_pair() as (connection, _):
            kept.append(connection)

    async def second() -> None:
        with pytest.raises(LocalProtocolError, match=r"another trio\.run"):
            async with kept[0].context(**SETTINGS):
                pass
        with pytest.raises(LocalProtocolError, match=r"another trio\.run"):
            kept[0].statistics()

    trio.run(first)
    trio.run(second)


def test_under_asyncio_the_error_says_what_to_do():
    """In an asyncio program, the error says that this runs on Trio."""

    async def connect() -> None:
        async with Cartesia("k", base_url="http://localhost").tts.websocket_connect():
            pass

    with pytest.raises(LocalProtocolError, match=r"runs on Trio, and this is asyncio"):
        asyncio.run(connect())


def test_outside_of_any_loop_the_error_says_what_to_do():
    """In plain code, the error says where to call from."""
    block = Cartesia("k", base_url="http://localhost").tts.websocket_connect()
    with pytest.raises(LocalProtocolError, match=r"from within Trio"):
        block.__aenter__().send(None)  # as a hand-made loop would


@on_virtual_time
async def test_a_block_is_entered_once_and_with_async_with():
    """A block that is entered again, or by a plain ``with``, says what to do."""
    async with connected_pair() as (connection, _):
        block = connection.context(**SETTINGS)
        async with block:
            with pytest.raises(LocalProtocolError, match="make one for each block"):
                await block.__aenter__()
        with pytest.raises(LocalProtocolError, match="make one for each block"):
            async with block:
                pass
        for plain in (connection.context(**SETTINGS), connection.speak("Hello.", **SETTINGS)):
            with pytest.raises(LocalProtocolError, match="async with"), plain:
                pass


@on_virtual_time
async def test_connections_are_left_in_the_order_and_the_task_they_were_entered_in():
    """Leaving a connection in another task is an error that names it; leaving it before one that
    was entered later closes both, and says so. Nothing of Trio's is corrupted.
    """

    async def leave_elsewhere() -> None:
        with pytest.raises(LocalProtocolError, match=r"a connection .* must be left in the task"):
            await second.__aexit__(None, None, None)

    async with (
        open_server(port=None, voice=Tones()) as server,
        connect_in_memory(server) as open_stream,
        Cartesia(base_url=server.url, open_stream=open_stream) as client,
    ):
        first, second = client.tts.websocket_connect(), client.tts.websocket_connect()
        await first.__aenter__()
        connection = await second.__aenter__()
        async with trio.open_nursery() as nursery:  # noqa: ASYNC112  # another task is the point
            nursery.start_soon(leave_elsewhere)
        async with connection.speak("Hello.", **SETTINGS) as context:
            assert await received_audio(context)
        with pytest.raises(LocalProtocolError, match=r"a connection .* was left before a connect"):
            await first.__aexit__(None, None, None)
        assert connection.statistics().is_lost
        async with client.tts.websocket_connect() as third:
            assert not third.statistics().is_lost


def test_threads_may_use_their_own_connections():
    """Each thread with a run of its own has its own connections, at the same time."""
    done: list[bytes] = []

    async def main() -> None:
        async with connected_pair() as (connection, peer):
            async with connection.context(**SETTINGS, context_id="a") as context:
                await context.push("Hello.")
                await peer.chunk("a", b"12")
                await peer.done("a")
                done.append(b"".join(await received_audio(context)))

    threads = [threading.Thread(target=trio.run, args=(main,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [b"12"] * 4

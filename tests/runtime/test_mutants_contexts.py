"""Contexts: what no other test would have noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support import SETTINGS, received_audio
from trio_cartesia import Connection, ContextExpired, LocalProtocolError, RemoteProtocolError
from trio_cartesia.testing import Peer, connected_pair, on_virtual_time

LONG = "a" * 100_000  # more than a connection in memory carries at once


@asynccontextmanager
async def busy_writer(connection: Connection) -> AsyncIterator[None]:
    """The connection's writer waits, for a peer that does not listen, though it speaks."""
    async with trio.open_nursery() as nursery:

        async def push_for_ever() -> None:
            async with connection.context(**SETTINGS, context_id="busy") as context:
                while True:
                    await context.push(LONG)

        nursery.start_soon(push_for_ever)
        await trio.testing.wait_all_tasks_blocked()
        yield
        nursery.cancel_scope.cancel()


async def end(peer: Peer, context_id: str, *, audio: bytes) -> None:
    """Let the service end a context."""
    if audio:
        await peer.chunk(context_id, audio)
    await peer.done(context_id)
    await trio.testing.wait_all_tasks_blocked()


@on_virtual_time
async def test_an_end_that_comes_first_makes_the_final_input_needless() -> None:
    """Where the service ends a context, with all of it said, before the final input is on its way,
    that input is done with, and nothing is raised.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            async with busy_writer(connection), trio.open_nursery() as nursery:
                nursery.start_soon(context.no_more_inputs)
                await trio.testing.wait_all_tasks_blocked()
                assert nursery.child_tasks
                await end(peer, "a", audio=b"12")
                assert not nursery.child_tasks
            assert await received_audio(context) == [b"12"]
            assert context.statistics().end == "done"


@on_virtual_time
async def test_an_end_before_the_words_is_an_expiry_for_the_final_input() -> None:
    """Where the service ends a context with words unsaid, the final input that waited says so, and
    which words they are.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            told: list[ContextExpired] = []

            async def finish() -> None:
                with pytest.raises(ContextExpired) as caught:
                    await context.no_more_inputs()
                told.append(caught.value)

            async with busy_writer(connection), trio.open_nursery() as nursery:
                nursery.start_soon(finish)
                await trio.testing.wait_all_tasks_blocked()
                await end(peer, "a", audio=b"")
                assert [error.unspoken for error in told] == [("Hello.",)]


@on_virtual_time
async def test_who_pushes_while_the_block_is_left_is_told() -> None:
    """A task that waits in a push when another one leaves the context's block learns it at once."""
    async with connected_pair() as (connection, _), trio.open_nursery() as nursery:
        told: list[LocalProtocolError] = []
        async with busy_writer(connection):
            async with connection.context(**SETTINGS, context_id="a") as context:

                async def push() -> None:
                    with pytest.raises(LocalProtocolError, match="block has ended") as caught:
                        await context.push("Hello.")
                    told.append(caught.value)

                nursery.start_soon(push)
                await trio.testing.wait_all_tasks_blocked()
                assert not told
            await trio.testing.wait_all_tasks_blocked()
            assert [error.context_id for error in told] == ["a"]
            assert connection.statistics().contexts_open == 1


@on_virtual_time
async def test_an_event_that_cannot_be_read_stops_its_context_at_once() -> None:
    """A context whose event cannot be read is cancelled there and then, takes no more text, and
    says why each time.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a") as context:
            await context.push("Hello.")
            await peer.receive()
            await peer.send(type="chunk", context_id="a", data="!")
            with trio.fail_after(1):
                assert await peer.receive() == {"context_id": "a", "cancel": True}
            with pytest.raises(RemoteProtocolError):
                await context.push("More.")
            with pytest.raises(RemoteProtocolError):
                await received_audio(context)
            assert context.statistics().end == "failed"

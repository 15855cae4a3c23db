"""Pushing: what a push waits for, and what it raises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support import SETTINGS, received_audio
from trio_cartesia import (
    CartesiaError,
    Connection,
    ContextExpired,
    LocalProtocolError,
)
from trio_cartesia.testing import (
    Peer,
    connected_pair,
    on_virtual_time,
)

LONG = "a" * 100_000  # more than a connection in memory carries at once


async def test_a_push_outside_the_block_ends_with_the_block(autojump_clock):
    """A push from elsewhere, whose message the writer has, ends when the block is left."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with trio.open_nursery() as nursery:
            async with connection.context(**SETTINGS) as context:
                push = context.push  # by a task that outlives the block, as it should not
                nursery.start_soon(push, "long " * 5000)
                await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == 0
        peer.stream.resume()


async def test_a_push_ends_with_its_context(autojump_clock):
    """A push whose message is on its way ends when the service, or we, end the context."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a") as one,
            connection.context(**SETTINGS, context_id="b") as two,
        ):
            for context in (one, two):
                await context.push("Hello.")
                await peer.receive()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.push, "long " * 50_000)
                await trio.testing.wait_all_tasks_blocked()
                one.cancel()
            assert trio.current_time() == 0


async def test_a_queued_push_raises_when_its_context_is_cancelled(autojump_clock):
    """A push that the writer has not taken raises when its context is cancelled, and names the
    context.
    """
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with (
            connection.context(**SETTINGS, context_id="a") as context,
            trio.open_nursery() as nursery,
        ):

            async def push() -> None:
                with pytest.raises(CartesiaError) as caught:
                    await context.push("queued")
                assert caught.value.context_id == "a"

            nursery.start_soon(context.push, "long " * 5000)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(push)
            await trio.testing.wait_all_tasks_blocked()
            context.cancel()


async def test_a_push_may_bring_its_own_generation_settings(autojump_clock):
    """Settings of one push are sent with it alone; those that are out of range are refused."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, generation_config={"speed": 1.2}) as context:
            await context.push("One. ", generation_config={"emotion": "Happy", "volume": 0.5})
            await context.push("Two. ")
            with pytest.raises(LocalProtocolError, match="speed"):
                await context.push("Three. ", generation_config={"speed": 3})
            sent = [(await peer.receive())["generation_config"] for _ in range(2)]
    assert sent == [{"emotion": "happy", "volume": 0.5}, {"speed": 1.2}]


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
async def test_a_waiting_push_raises_when_the_block_is_left() -> None:
    """A task that waits in a push when another one leaves the context's block raises at once."""
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

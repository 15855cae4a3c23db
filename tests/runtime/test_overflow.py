"""Inboxes that fill up."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, receive_all, received_audio
from trio_cartesia import (
    Event,
    InboxOverflow,
)
from trio_cartesia.testing import (
    connected_pair,
    on_virtual_time,
)


async def test_a_context_that_outgrows_its_budget_fails_alone(autojump_clock):
    """Overflow fails one context, after what fitted; the others go on, and the service is told."""
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="slow", inbox_bytes=3000) as slow,
            connection.context(**SETTINGS, context_id="quick") as quick,
        ):
            await slow.push("Hello.")
            await quick.push("Hello.")
            await quick.no_more_inputs()
            for _ in range(5):
                await peer.chunk("slow", bytes(1000))
            await peer.chunk("quick", b"12")
            await peer.done("quick")
            assert await received_audio(quick) == [b"12"]
            assert slow.statistics().inbox_peak_bytes <= 3000
            heard: list[Event] = []
            with pytest.raises(InboxOverflow) as caught:
                await receive_all(slow, heard)
            assert (len(heard), caught.value.context_id) == (2, "slow")
            assert [await peer.receive() for _ in range(4)][-1] == {
                "context_id": "slow",
                "cancel": True,
            }


async def test_an_overflow_cancels_the_context_at_once(autojump_clock):
    """A context that outgrew its inbox is cancelled there and then, though its block goes on and
    nobody receives; the next push says what happened.
    """
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=300) as context:
            await context.push("Hello.")
            await peer.chunk("a", bytes(1000))
            with trio.fail_after(1):
                await peer.receive_cancel("a")
            with pytest.raises(InboxOverflow) as caught:
                await context.push("More.")
            assert caught.value.context_id == "a"
            assert trio.current_time() == 0


async def test_timestamps_count_against_the_budget(autojump_clock):
    """Events without audio cannot grow an inbox past its budget either."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=3000) as context:
            await context.push("Hello.")
            words = {"words": ["x"] * 10, "start": [0.0] * 10, "end": [0.1] * 10}
            for _ in range(5):
                await peer.send(type="timestamps", context_id="a", word_timestamps=words)
            with pytest.raises(InboxOverflow):
                await received_audio(context)


@given(sizes=st.lists(st.integers(1, 3000), max_size=20))
@on_virtual_time
async def test_a_blocking_inbox_loses_nothing_and_stays_small(sizes):
    """With overflow="block" the socket stalls instead: a slow consumer gets every byte."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", inbox_bytes=2000, overflow="block"
        ) as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            async with trio.open_nursery() as nursery:

                async def speak():
                    for size in sizes:
                        await peer.chunk("a", bytes(size))
                    await peer.done("a")

                nursery.start_soon(speak)
                heard = []
                async for event in context.receive():
                    if event.type == "chunk":
                        heard.append(len(event.audio))
                    await trio.sleep(50)  # longer than the keepalive's patience
            assert heard == sizes
            assert context.statistics().inbox_peak_bytes <= 2000 + 3000 + 2 * 256


async def test_events_of_any_kind_count_against_the_budget(autojump_clock):
    """An event that this release does not know cannot fill the memory either."""
    async with connected_pair(pipe_bytes=2**20) as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", inbox_bytes=50_000) as context:
            await context.push("Hello.")
            for _ in range(3):
                await peer.send(type="weather", context_id="a", sky="x" * 2000)
            with pytest.raises(InboxOverflow):
                await receive_all(context, [])
        assert connection.statistics().inbox_peak_bytes <= 50_000


async def test_a_blocked_reader_ends_with_its_context(autojump_clock):
    """A reader that waits for room goes on when the context that was full is left."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="b") as other:
            await other.push("Hello.")
            async with connection.context(
                **SETTINGS, context_id="a", inbox_bytes=1000, overflow="block"
            ) as context:
                await context.push("Hello.")
                for _ in range(3):
                    await peer.chunk("a", bytes(1500))
                await peer.chunk("b", b"12")
                await trio.testing.wait_all_tasks_blocked()
            await peer.done("b")
            assert await received_audio(other) == [b"12"]
            assert trio.current_time() == 0

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import lockstep_stream_pair

from tests.server.support import (
    MORE,
    TWO_SENTENCES,
    audio,
    cancel,
    closed,
    connected,
    generation,
    kinds,
    on_virtual_time,
    tones,
)
from trio_cartesia.server import Behaviour


@pytest.mark.slow
@given(read=st.integers(0, 12), trailing=st.integers(0, 3))
@on_virtual_time
async def test_a_cancelled_context_soon_ends(read: int, trailing: int) -> None:
    """After a cancel at most so many chunks follow, then `done`; what was not begun is never
    spoken.
    """
    behaviour = Behaviour(chunk_bytes=2048, cancel_trailing_chunks=trailing)
    async with connected(pair=lockstep_stream_pair, behaviour=behaviour) as (client, server):
        await client.send(generation("a", TWO_SENTENCES * 3))
        begun = [await client.receive() for _ in range(read)]
        await client.send(cancel("a"))
        rest = await client.receive_until_over("a")
        record = server.journal.context("a")
        assert kinds(rest) == ["chunk"] * (len(rest) - 1) + ["done"]
        # The chunk that waits for the socket when the cancel is heard is one of them.
        assert record.chunks_after_cancel <= max(trailing, 1)
        assert (record.ended, record.cancels) == ("cancelled", 1)
        whole = await tones(TWO_SENTENCES * 3)
        assert whole.startswith(audio(begun + rest))
        assert bytes(record.audio) == audio(begun + rest)


@on_virtual_time
async def test_a_cancel_drops_what_waits() -> None:
    """A context that is cancelled before it speaks ends at once without a sound."""
    async with connected() as (client, server):
        await client.send(generation("a", "Good") | MORE)
        await client.send(cancel("a"))
        await client.send(cancel("a"))
        assert kinds(await client.receive_until_over("a")) == ["done"]
        assert server.journal.context("a").cancels >= 1


@on_virtual_time
async def test_a_cancel_for_nobody_is_ignored() -> None:
    """Cancels of ids that are unknown or over give no answer."""
    async with connected() as (client, _):
        await client.send(cancel("nobody"))
        await client.speak(generation("a", "Hello."))
        await client.send(cancel("a"))
        events = await client.speak(generation("b", "Hello."))
        assert {event["context_id"] for event in events} == {"b"}


@on_virtual_time
async def test_every_cancel_is_in_the_journal() -> None:
    """Cancels count for their context, dead or alive, and as strays if there never was one."""
    async with connected() as (client, server):
        await client.speak(generation("a", "Hello."))
        for name in ("a", "a", "b"):
            await client.send(cancel(name))
        await client.ask("")
        assert server.journal.context("a").cancels == 2
        assert server.journal.context("a").ended == "done"
        assert server.journal.statistics().stray_cancels == 1


@on_virtual_time
async def test_a_refused_context_says_so_once() -> None:
    """After an error is due, neither cancels nor more errors change how the context ends."""
    async with connected(pair=lockstep_stream_pair) as (client, server):
        await client.send(generation("a", TWO_SENTENCES * 5))
        await client.send(generation("a", "More."))
        await client.send(cancel("a"))
        await client.send(generation("a", "And more.", model_id="sonic-9"))
        *before, end = await client.receive_until_over("a")
        assert kinds(before) in ([], ["chunk"])  # one may have been on its way
        assert closed(end, "a")
        assert kinds([await client.ask("")]) == ["error"]
        assert server.journal.context("a").ended == "error"


@on_virtual_time
async def test_no_times_follow_a_cancel() -> None:
    """A cancel that comes before the times of a sentence holds them back, as its audio may not
    come.
    """
    async with connected(pair=lockstep_stream_pair) as (client, _):
        await client.send(generation("a", TWO_SENTENCES * 3, add_timestamps=True))
        await client.send(cancel("a"))
        assert set(kinds(await client.receive_until_over("a"))) == {"chunk", "done"}

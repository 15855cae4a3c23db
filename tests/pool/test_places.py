"""When a place in the account's plan is free again."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pool.support import LONG, SMALL, refusals_counted, service
from trio_cartesia.server import Behaviour
from trio_cartesia.testing import on_virtual_time

WAYS = ["break", "cancel", "scope", "exception", "after the end"]


async def interrupt(pool, way, seconds):
    """Speak, and stop after a while."""
    with trio.CancelScope() as scope:
        try:
            async with pool.speak("Some words. " * 20, **SMALL) as context:
                await trio.sleep(seconds)
                if way == "cancel":
                    context.cancel()
                elif way == "scope":
                    scope.cancel()
                    await trio.lowlevel.checkpoint()
                elif way == "exception":
                    raise KeyError
                elif way == "after the end":
                    await context.collect()
        except KeyError:
            pass


@pytest.mark.slow
@given(
    turns=st.lists(
        st.tuples(st.sampled_from(WAYS), st.floats(0, 0.1), st.sampled_from([0, 0.001, 1])),
        min_size=20,
        max_size=20,
    ),
    ending=st.sampled_from(["done", "error"]),
    trailing=st.integers(0, 3),
)
@settings(max_examples=max(4, settings.default.max_examples // 6))
@on_virtual_time
async def test_twenty_quick_interruptions(turns, ending, trailing):
    """On a plan of two, twenty utterances that are interrupted in any way, one after the other and
    side by side, meet no 429: a cancelled context counts until the service has ended it.
    """
    behaviour = Behaviour(cancel_ends_with=ending, cancel_trailing_chunks=trailing)
    with refusals_counted() as refusals:
        async with (
            service(plan="free", behaviour=behaviour) as (client, _),
            client.tts.websocket_pool(plan="free") as pool,
            trio.open_nursery() as nursery,
        ):
            for way, seconds, pause in turns:
                nursery.start_soon(interrupt, pool, way, seconds)
                await trio.sleep(pause)
    assert refusals == []


@pytest.mark.parametrize("way", ["break", "cancel"])
async def test_an_end_that_never_comes(way, autojump_clock):
    """Where the service ends a cancelled context without an event, its place is free after ten
    seconds, and the statistics count that.
    """
    async with (
        service(behaviour=Behaviour(cancel_ends_with="nothing")) as (client, _),
        client.tts.websocket_pool(max_contexts=1) as pool,
    ):
        await interrupt(pool, way, 0.01)
        cancelled_at = trio.current_time()
        assert pool.statistics().contexts_draining == 1
        async with pool.speak("Next.", **SMALL) as context:
            assert trio.current_time() == cancelled_at + 10
            assert (await context.collect()).complete
        assert (pool.statistics().contexts_draining, pool.statistics().ends_missed) == (0, 1)


async def test_a_context_that_was_never_used_is_free_at_once(autojump_clock):
    """A context to which nothing was pushed counts for nobody once its block was left."""
    async with service() as (client, _), client.tts.websocket_pool(max_contexts=1) as pool:
        await trio.sleep(1)
        before = trio.current_time()
        for _ in range(3):
            async with pool.context(**SMALL) as context:
                pass
            async with pool.context(**SMALL) as context:
                await context.no_more_inputs()
                assert (await context.collect()).complete
        assert trio.current_time() == before
        assert pool.statistics().contexts_open == 0


async def test_an_overflow_gives_its_place_back(autojump_clock):
    """A context that outgrows its inbox counts until the service has ended it."""
    with refusals_counted() as refusals:
        async with (
            service(plan="free") as (client, _),
            client.tts.websocket_pool(max_contexts=1, inbox_bytes=20_000) as pool,
        ):
            for _ in range(3):
                async with pool.speak(LONG, **SMALL) as context:
                    await trio.sleep(30)
                    with pytest.raises(Exception, match="wait to be received"):
                        await context.collect()
            async with pool.speak(LONG, **SMALL, inbox_bytes=2**20) as context:
                await trio.sleep(30)
                assert (await context.collect()).complete
    assert refusals == []

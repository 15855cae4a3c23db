"""Contexts that text was sent for, and nothing comes back."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS, cancels, received_audio, requests_until_quiet
from trio_cartesia import Cartesia, ContextStalled, LocalProtocolError
from trio_cartesia._runtime.context_entry import DEFAULT_DELAY_MS
from trio_cartesia._runtime.stalls import STALL_SECONDS
from trio_cartesia.server import open_server
from trio_cartesia.testing import connect_in_memory, connected_pair, on_virtual_time


@given(
    stall_seconds=st.floats(0.5, 15),
    delay_ms=st.sampled_from([None, 0, 5000]),
    is_ended=st.booleans(),
    waits=st.floats(0, 10),
)
@on_virtual_time
async def test_a_context_without_events_fails_after_stall_seconds(
    stall_seconds, delay_ms, is_ended, waits
):
    """After ``stall_seconds``, and the buffering delay while more text may follow, a context fails
    with `ContextStalled`, and one cancel is sent; other contexts continue.
    """
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(
                **SETTINGS,
                context_id="a",
                stall_seconds=stall_seconds,
                max_buffer_delay_ms=delay_ms,
            ) as context,
            connection.context(**SETTINGS, context_id="b") as neighbour,
        ):
            await trio.sleep(waits)  # which is nobody's stall
            await context.push("Hello.")
            await neighbour.push("Hello.")
            if is_ended:
                await context.no_more_inputs()
            began = trio.current_time()
            with pytest.raises(ContextStalled) as caught:
                await received_audio(context)
            delay_seconds = 0 if is_ended else (delay_ms or 0) / 1000
            if not is_ended and delay_ms is None:
                delay_seconds = DEFAULT_DELAY_MS / 1000
            assert trio.current_time() - began == pytest.approx(stall_seconds + delay_seconds)
            assert caught.value.context_id == "a"
            await peer.chunk("b", b"12")
            await peer.done("b")
            assert b"".join(await received_audio(neighbour)) == b"12"
        assert cancels(await requests_until_quiet(peer)) == ["a"]


@given(gaps=st.lists(st.floats(0, 4.9), max_size=10))
@on_virtual_time
async def test_a_slow_service_is_no_stall(gaps):
    """Whatever comes, or is pushed, within ``stall_seconds`` of the last thing puts the end off."""
    async with connected_pair() as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", stall_seconds=5, max_buffer_delay_ms=0
        ) as context:
            await context.push("Hello.")
            for number, gap in enumerate(gaps):
                await trio.sleep(gap)
                if number % 2:
                    await context.push("More.")
                else:
                    await peer.flush_done("a")
            await peer.done("a")
            await received_audio(context)


async def test_a_context_that_owes_nothing_never_stalls(autojump_clock):
    """Before the first text, and once all of it was spoken, a context may be quiet for as long as
    it likes; so may one that has no limit.
    """
    async with connected_pair() as (connection, peer):
        async with (
            connection.context(**SETTINGS, context_id="a", stall_seconds=1) as context,
            connection.context(**SETTINGS, context_id="b", stall_seconds=None) as patient,
        ):
            await patient.push("Hello.")
            await trio.sleep(30)
            await context.push("Hello.")
            await peer.chunk("a", b"12")
            await trio.sleep(30)
            await peer.done("a")
            assert b"".join(await received_audio(context)) == b"12"
            await peer.done("b")
            assert b"".join(await received_audio(patient)) == b""


async def test_a_consumer_that_reads_late_is_no_stall(autojump_clock):
    """What has arrived and was not received yet counts as arrived."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, context_id="a", stall_seconds=1) as context:
            await context.push("Hello.")
            await peer.chunk("a", b"12")
            await peer.done("a")
            await trio.sleep(30)
            assert b"".join(await received_audio(context)) == b"12"


async def test_an_inbox_that_blocks_is_no_stall(autojump_clock):
    """While reading stands still for a full inbox, no context is found stalled."""
    async with connected_pair(pipe_bytes=1000, stall_seconds=5) as (connection, peer):
        async with (
            connection.context(
                **SETTINGS, context_id="a", overflow="block", inbox_bytes=1000
            ) as context,
            trio.open_nursery() as nursery,
        ):
            await context.push("Hello.")
            await context.no_more_inputs()

            async def speak() -> None:
                for _ in range(10):
                    await peer.chunk("a", bytes(1000))
                await peer.done("a")

            nursery.start_soon(speak)
            await trio.sleep(30)
            assert b"".join(await received_audio(context)) == bytes(10_000)


LIMITS = st.sampled_from(["inherit", 0.5, 2, None])


@given(
    of_client=LIMITS.filter(lambda limit: limit != "inherit"),
    of_connection=LIMITS,
    own=LIMITS,
    is_pool=st.booleans(),
)
@on_virtual_time
async def test_the_nearest_limit_counts(of_client, of_connection, own, is_pool):
    """A context has its own limit, or else that of its connection or pool, or else its client's;
    None lifts it at each place.
    """
    limits = [limit for limit in (own, of_connection, of_client) if limit != "inherit"]
    async with (
        open_server(port=None, voice="tones") as server,
        connect_in_memory(server) as open_stream,
    ):
        client = Cartesia(
            base_url=server.url,
            open_stream=open_stream,
            headers={"X-Fault": "stall at_frame=1 seconds=15"},
            stall_seconds=of_client,
        )
        if is_pool:
            connecting = client.tts.websocket_pool(max_contexts=1, stall_seconds=of_connection)
        else:
            connecting = client.tts.websocket_connect(stall_seconds=of_connection)
        async with (
            connecting as connection,
            connection.speak("Hello.", stall_seconds=own, **SETTINGS) as context,
        ):
            began = trio.current_time()
            with nullcontext() if limits[0] is None else pytest.raises(ContextStalled):
                await context.collect()
            assert trio.current_time() - began == pytest.approx(limits[0] or 15, abs=0.1)


async def test_the_limit_is_a_minute_unless_given(autojump_clock):
    """Where neither client, connection nor context has a limit, it is a minute."""
    async with connected_pair() as (connection, peer):
        async with connection.context(**SETTINGS, max_buffer_delay_ms=0) as context:
            await context.push("Hello.")
            for _ in range(3):
                await trio.sleep(15)
                await peer.send(type="news")  # signs of life of the connection
            with pytest.raises(ContextStalled):
                await received_audio(context)
            assert trio.current_time() == STALL_SECONDS


@pytest.mark.parametrize("stall_seconds", [0, -1, True, "5", math.nan])
async def test_a_stall_limit_is_positive_or_none(stall_seconds):
    """A limit is a positive number, or None."""
    async with connected_pair() as (connection, _):
        with pytest.raises(LocalProtocolError, match="stall_seconds must be a positive number"):
            async with connection.context(**SETTINGS, stall_seconds=stall_seconds):
                pass


async def test_strays_leave_a_speech_incomplete(autojump_clock):
    """A speech during which events for an unknown context were dropped is not called complete: they
    may have been its own.
    """
    async with connected_pair() as (connection, peer):
        for stray, expected in ((True, False), (False, True)):
            async with connection.context(**SETTINGS) as context:
                await context.push("Hello.")
                await context.no_more_inputs()
                await peer.chunk(context.context_id, b"12")
                if stray:
                    await peer.chunk("foreign", b"34")
                await peer.done(context.context_id)
                speech = await context.collect()
            assert (speech.audio, speech.complete) == (b"12", expected)

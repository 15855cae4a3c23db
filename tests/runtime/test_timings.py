"""When things happened to a context, and what follows from it."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.support import SETTINGS
from trio_cartesia import ConnectionLost, ContextStalled, Speech
from trio_cartesia.testing import connected_pair, on_virtual_time

RAW = {"encoding": "pcm_s16le", "sample_rate": 8000}
SECOND = 16_000  # bytes
SPEAKS = {**SETTINGS, "output_format": RAW}

# waits, and how much audio comes after each; chunks of a read come without a wait
ARRIVALS = st.lists(
    st.tuples(st.sampled_from([0, 0, 0.1, 0.5, 3]), st.sampled_from([0, 2, 1600, SECOND])),
    max_size=12,
)


def starved_seconds(arrivals: list[tuple[float, int]]) -> float:
    """Play audio from the moment when the first of it arrives, and return how long was silent."""
    silent, played_until = 0.0, None
    for moment, size in arrivals:
        if played_until is None:
            played_until = moment
        silent += max(0.0, moment - played_until)
        played_until = max(moment, played_until) + size / SECOND
    return silent


@given(waits=st.tuples(*[st.floats(0, 5)] * 2), arrivals=ARRIVALS, consumer_waits=st.floats(0, 9))
@on_virtual_time
async def test_timings_are_those_of_the_wire(waits, arrivals, consumer_waits):
    """Whatever arrives when, and however late it is received, the timings are those of what went
    over the wire, and the starved time is that of a listener who plays audio as it arrives.
    """
    async with connected_pair() as (connection, peer):
        await trio.sleep(1)
        async with connection.context(**SPEAKS, context_id="a", stall_seconds=None) as context:
            opened_at = trio.current_time()
            await trio.sleep(waits[0])
            pushed_at = trio.current_time()
            await context.push("Hello.")
            came: list[tuple[float, int]] = []

            async def answer() -> None:
                await trio.sleep(waits[1])
                for wait, size in arrivals:
                    await trio.sleep(wait)
                    await peer.chunk("a", bytes(size))
                    came.extend([(trio.current_time(), size)] if size else [])
                await peer.done("a")

            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer)
                await trio.sleep(consumer_waits)
                speech = await context.collect()
            ended_at = speech.timings.ended_at
        timings = speech.timings
        assert timings == context.statistics().timings
        assert timings.opened_at == opened_at
        assert timings.pushed_at == timings.sent_at == pushed_at
        assert ended_at == pytest.approx(pushed_at + waits[1] + sum(wait for wait, _ in arrivals))
        assert timings.audio_seconds == speech.duration_seconds
        assert timings.starved_seconds == pytest.approx(starved_seconds(came))
        first, last = (came[0][0], came[-1][0]) if came else (None, None)
        assert (timings.first_audio_at, timings.last_audio_at) == (first, last)
        if came:
            assert timings.first_audio_seconds == first - pushed_at
            assert timings.real_time_factor == (last - pushed_at) / speech.duration_seconds
        else:
            assert timings.first_audio_seconds is timings.real_time_factor is None


async def test_timings_are_none_until_they_happen(autojump_clock):
    """A context that was only opened has one time, and a second one when its block is left."""
    async with connected_pair() as (connection, _):
        async with connection.context(**SETTINGS) as context:
            await trio.sleep(1)
            timings = context.statistics().timings
            assert (timings.opened_at, timings.pushed_at, timings.sent_at) == (0, None, None)
            assert (timings.first_audio_at, timings.ended_at) == (None, None)
            assert timings.first_audio_seconds is timings.real_time_factor is None
            assert timings.audio_seconds == timings.starved_seconds == 0
        assert context.statistics().timings.ended_at == 1


@pytest.mark.parametrize("how", ["cancel", "leave", "error", "lose", "stall", "say nothing"])
async def test_every_end_has_its_time(how, autojump_clock):
    """However a context ends, its end is the moment when it did, not when it was noticed."""
    async with connected_pair() as (connection, peer):
        async with connection.context(
            **SETTINGS, context_id="a", stall_seconds=1, max_buffer_delay_ms=0
        ) as context:
            if how != "say nothing":
                await context.push("Hello.")
                await peer.receive()
            await trio.sleep(0 if how == "stall" else 1)
            if how == "cancel":
                context.cancel()
            elif how == "error":
                await peer.error("a")
            elif how == "lose":
                await peer.close()
            elif how == "say nothing":
                await context.no_more_inputs()
            if how != "leave":
                await trio.sleep(5)
        await trio.sleep(5)
        assert context.statistics().timings.ended_at == 1


async def test_a_push_that_was_withdrawn_does_not_count(autojump_clock):
    """The time to first audio starts with the first push that was not taken back."""
    async with connected_pair(pipe_bytes=4096) as (connection, peer):
        peer.stream.stall()
        async with (
            connection.context(**SETTINGS, context_id="other") as other,
            connection.context(**SETTINGS, context_id="a") as context,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(other.push, "long " * 5000)
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(1):
                await context.push("It is withdrawn.")
            nursery.start_soon(context.push, "Hello.")
            await trio.sleep(1)
            assert context.statistics().timings.pushed_at == 1
            assert context.statistics().timings.sent_at is None
            peer.stream.resume()
            assert (await peer.receive())["context_id"] == "other"
            assert (await peer.receive())["transcript"] == "Hello."
            timings = context.statistics().timings
            assert (timings.pushed_at, timings.sent_at) == (1, 2)


async def test_speak_pushes_a_text_when_its_block_is_entered(autojump_clock):
    """A text that `speak` is given is pushed at once, and that of an iterator as it comes."""

    async def pieces():
        await trio.sleep(1)
        yield "Hello."

    async with connected_pair() as (connection, _):
        for text, pushed_at in (("Hello.", 1), (pieces(), 5)):
            await trio.sleep(1)
            async with connection.speak(text, **SETTINGS) as context:
                await trio.sleep(2)
                assert context.statistics().timings.pushed_at == pushed_at


async def test_partial_speech_has_timings(autojump_clock):
    """The partial speech of an error says when it came, and two speeches are equal whenever they
    came.
    """
    speeches: list[Speech] = []
    async with connected_pair() as (connection, peer):
        for error in (ContextStalled, ConnectionLost):
            async with connection.context(**SPEAKS, stall_seconds=2) as context:
                began = trio.current_time()
                await context.push("Hello.")
                await context.no_more_inputs()
                await trio.sleep(1)
                await peer.chunk(context.context_id, bytes(SECOND))
                if error is ConnectionLost:
                    await peer.close()
                with pytest.raises(error) as caught:
                    await context.collect()
                assert caught.value.partial.timings.first_audio_at == began + 1
                speeches.append(caught.value.partial)
    assert speeches[0] == speeches[1]

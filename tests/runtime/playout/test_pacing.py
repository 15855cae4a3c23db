"""When frames are given out."""

from __future__ import annotations

import re

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.playout.support import FRAME, FRAME_BYTES, PHONE, RATE, Part, spoken
from trio_cartesia._runtime.playout.pacing import AHEAD_SECONDS
from trio_cartesia._runtime.playout.progress import MOST_GAPS, Progress
from trio_cartesia.testing import connected_pair, on_virtual_time


async def received(playout):
    """Receive all frames, and return when each came."""
    times = []
    async for frame in playout:
        times.append((trio.current_time(), frame))  # noqa: PERF401  # cut short, it is in use
    return times


@given(samples=st.integers(1, 8000), lead_seconds=st.sampled_from([0.02, 0.05, 0.2, 5]))
@settings(max_examples=max(10, settings.default.max_examples // 2))
@on_virtual_time
async def test_frames_come_ahead_by_the_lead(samples, lead_seconds):
    """Speech that is there at once comes a lead before it is played, and the loop ends when the
    last frame was played.
    """
    async with spoken([Part(0, samples)]) as (context, _):
        times = await received(context.playout(lead_seconds=lead_seconds))
        assert trio.current_time() == pytest.approx(len(times) * FRAME)
    for at, frame in times:
        assert at == pytest.approx(max(0, frame.start_seconds - lead_seconds))


async def test_a_gap_is_filled_with_silence(autojump_clock):
    """Speech that comes later than the far end needs it leaves a gap, which is silence and counts
    once; before the first speech and after the last there is none.
    """
    parts = [Part(1, 1000), Part(0.1, 600), Part(0.5, 100), Part(0.3, 100)]
    async with spoken(parts) as (context, _):
        playout = context.playout(lead_seconds=0.1)
        times = await received(playout)
        position_seconds = playout.position_seconds
        heard = playout.heard
    assert times[0][0] == 1
    assert playout.underruns == 2
    audio = b"".join(frame.audio for _, frame in times)
    assert [len(speech) for speech in re.findall(b"\x01+", audio)] == [1600, 100, 100]
    assert heard.seconds == pytest.approx(1800 / RATE)
    assert position_seconds == pytest.approx(len(audio) / RATE)
    gaps = [(at, frame) for at, frame in times if frame.audio == b"\xff" * FRAME_BYTES]
    assert all(at == pytest.approx(1 + frame.start_seconds) for at, frame in gaps)


async def test_as_fast_as_possible_waits_for_audio_alone(autojump_clock):
    """Without a pace frames come with their audio, and there is no silence but at the end."""
    async with spoken([Part(0, 8000), Part(2, 8001)]) as (context, _):
        times = await received(context.playout(pace="as_fast_as_possible"))
        assert trio.current_time() == 2
    assert [at for at, _ in times] == [0] * 50 + [2] * 51
    assert b"".join(frame.audio for _, frame in times) == (b"\x01" * 16001).ljust(16160, b"\xff")


async def test_a_pause_gives_out_nothing(autojump_clock):
    """In a pause no frame comes and nothing is an underrun; what the far end has is played, and
    then speech goes on where it was.
    """
    async with spoken([Part(0, 8000)]) as (context, _):
        playout = context.playout(lead_seconds=0.1)
        async with trio.open_nursery() as nursery:

            async def pause():
                await trio.sleep(0.51)
                playout.pause()
                await trio.sleep(0.49)
                assert playout.position_seconds == playout.heard.seconds == pytest.approx(0.62)
                playout.resume()

            nursery.start_soon(pause)
            times = await received(playout)
        assert trio.current_time() == pytest.approx(1.38)
    assert not [at for at, _ in times if 0.51 < at < 0.99]
    assert b"".join(frame.audio for _, frame in times) == b"\x01" * 8000
    assert playout.underruns == 0


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("way", ["cancel", "leave"])
async def test_it_stops_with_its_context(way, is_paused, autojump_clock):
    """Where another task cancels the context or leaves its block, even after the service has ended
    it, no further frame comes, and what was heard stays what it was then.
    """

    ended_at = []

    async def play():
        async for _ in playout:
            pass
        ended_at.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        async with spoken([Part(0, 8000)]) as (context, _):
            playout = context.playout()
            nursery.start_soon(play)
            await trio.sleep(0.51)
            if is_paused:
                playout.pause()
            if way == "cancel":
                context.cancel()
                await trio.testing.wait_all_tasks_blocked()
                assert ended_at
    assert ended_at == [0.51]
    await trio.sleep(10)
    assert playout.heard.seconds == pytest.approx(0.51)
    assert playout.heard.unheard_text == "word0, "


async def test_little_is_taken_ahead(autojump_clock):
    """However much speech has arrived, half a minute of it and a chunk leave the inbox early."""
    async with spoken([Part(0, 2 * RATE)] * 40) as (context, _):
        playout = context.playout()
        for _ in range(100):
            await anext(playout)
        assert AHEAD_SECONDS - 2 < playout.buffered_seconds <= AHEAD_SECONDS + 2
        assert context.statistics().inbox_bytes > 5 * 2 * RATE
        heard = playout.heard
    assert heard.seconds == pytest.approx(1.78)


async def test_reports_of_the_far_end_count(autojump_clock):
    """Once the far end reports, its word counts: it lags behind the clock, never goes back, and
    never gets past what was given out.
    """
    async with spoken([Part(0, RATE)]) as (context, _):
        playout = context.playout(lead_seconds=1)
        playout.played(0)
        await received(playout)
        for seconds, expected in ((0.25, 0.25), (0.1, 0.25), (7, 1)):
            playout.played(seconds)
            assert playout.position_seconds == playout.heard.seconds == expected
        assert playout.heard.text == "word0, "


async def test_without_word_times_text_is_heard_at_the_end(autojump_clock):
    """A context that asked for no word times has heard its text when all of it was played."""
    async with connected_pair() as (connection, peer):
        async with connection.context(
            **{**PHONE, "add_timestamps": False}, context_id="a"
        ) as context:
            await context.push("Hello.")
            await context.no_more_inputs()
            await peer.chunk("a", b"\x01" * RATE)
            await peer.done("a")
            playout = context.playout()
            async for frame in playout:
                if frame.start_seconds > 0.9:
                    assert playout.heard.unheard_text == "Hello."
            assert playout.heard.text == "Hello."


def test_gaps_are_forgotten_in_time():
    """Of gaps that the far end has not reported, the last ones are remembered; before the others,
    less counts as played rather than more.
    """
    progress = Progress(RATE, FRAME_BYTES)
    progress.report(0)
    for _ in range(2 * MOST_GAPS):
        progress.give(FRAME_BYTES)
        progress.give(0)
    assert len(progress._gaps) == MOST_GAPS
    whole = 2 * MOST_GAPS * FRAME
    assert progress.speech_seconds(2 * whole) == pytest.approx(whole)
    assert progress.speech_seconds(2 * whole - FRAME) == pytest.approx(whole)
    assert progress.speech_seconds(whole / 2) < whole / 8

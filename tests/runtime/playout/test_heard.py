"""What was heard of a text, against a far end that plays it."""

from __future__ import annotations

from contextlib import suppress
from itertools import accumulate

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.playout.support import FRAME, FRAME_BYTES, RATE, FarEnd, Part, spoken, text_of
from trio_cartesia import ConnectionLost
from trio_cartesia.testing import Link, on_virtual_time

EPSILON = 2 / RATE  # the far end counts whole samples

PARTS = st.lists(
    st.builds(Part, st.sampled_from([0, 0, 0.1, 0.4]), st.integers(1, 3000), st.booleans()),
    min_size=1,
    max_size=6,
)
SECONDS = st.sampled_from([0, 0.05, 0.111, 0.4])
WAYS = st.sampled_from(["to the end", "scope", "break", "cancel", "loss"])


def check(playout, far_end, parts, slack_seconds=FRAME):
    """What was heard is what was played, but for a frame, and a prefix of the text."""
    heard, played = playout.heard, far_end.speech_seconds(trio.current_time())
    assert played - slack_seconds - EPSILON <= heard.seconds <= played + EPSILON
    assert heard.text + heard.unheard_text == text_of(parts)
    words = text_of(parts).split()
    assert [word.word for word in heard.words] == words[: len(heard.words)]
    assert heard.text.split() == words[: len(heard.words)]
    assert all(word.end_seconds <= heard.seconds + EPSILON for word in heard.words)
    if all(part.is_word_first for part in parts):
        ends = accumulate(part.samples / RATE for part in parts)
        assert len(heard.words) >= sum(end <= heard.seconds - EPSILON for end in ends)
    return heard


@given(
    parts=PARTS,
    latency_seconds=st.sampled_from([0, 0.05, 0.3]),
    lead_seconds=st.sampled_from([FRAME, 0.06, 0.2, 1]),
    pace=st.sampled_from(["real_time", "as_fast_as_possible"]),
    holds=st.lists(st.sampled_from([0, 0.01, 0.02, 0.05]), min_size=1, max_size=4),
    puts_first=st.booleans(),
    pauses=st.lists(st.tuples(SECONDS, SECONDS), max_size=2),
    way=WAYS,
    at_seconds=st.floats(0.05, 2),
)
@on_virtual_time
async def test_heard_is_what_was_played(  # noqa: C901  # five tasks that share their state
    parts, latency_seconds, lead_seconds, pace, holds, puts_first, pauses, way, at_seconds
):
    """Whatever the pacing, the network, the consumer and the end, what counts as heard is never
    ahead of what the far end played, and behind it by no more than the frame that is being sent.
    """
    far_end = FarEnd()
    slack_seconds = max([FRAME, *holds])

    async def interrupt():
        await trio.sleep_until(at_seconds)
        if way == "loss":
            peer.stream.reset()
        elif way == "scope":
            far_end.cleared_at = at_seconds
            scope.cancel()
        elif way == "cancel":
            far_end.cleared_at = at_seconds
            context.cancel()

    async def watch():
        while True:
            check(playout, far_end, parts, slack_seconds)
            await trio.sleep(0.013)

    async def pause():
        for wait_seconds, pause_seconds in pauses:
            await trio.sleep(wait_seconds)
            playout.pause()
            await trio.sleep(pause_seconds)
            playout.resume()

    async def play():
        with suppress(ConnectionLost):
            async for frame in playout:
                if puts_first:
                    far_end.put(frame.audio)
                await trio.sleep(holds[len(far_end.frames) % len(holds)])
                if not puts_first:
                    far_end.put(frame.audio)
                if way == "break" and trio.current_time() > at_seconds:
                    far_end.cleared_at = trio.current_time()
                    break  # out of its block, too

    async with trio.open_nursery() as nursery:
        async with spoken(parts, Link(latency_seconds=latency_seconds)) as (context, peer):
            playout = context.playout(lead_seconds=lead_seconds, pace=pace)
            nursery.start_soon(watch)
            async with trio.open_nursery() as playing:
                playing.start_soon(interrupt)
                playing.start_soon(pause)
                with trio.CancelScope() as scope:
                    await play()
                playing.cancel_scope.cancel()
        nursery.cancel_scope.cancel()
    check(playout, far_end, parts, slack_seconds)
    await trio.sleep(60)
    heard = check(playout, far_end, parts, slack_seconds)
    if way == "to the end":
        assert (heard.text, heard.cut_word) == (text_of(parts), None)
        assert heard.seconds == pytest.approx(sum(part.samples for part in parts) / RATE)


@on_virtual_time
async def test_a_far_end_that_reports_the_end_of_each_frame():
    """The start of a frame and its length are its end, however the sum is rounded."""
    async with spoken([Part(0, 40_000)]) as (context, _):
        playout = context.playout()
        playout.played(0)
        number = 0
        async for frame in playout:
            number += 1
            playout.played(frame.start_seconds + FRAME)
            assert playout.position_seconds == number * FRAME_BYTES / RATE

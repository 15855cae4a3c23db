"""Sessions with turns that go on when their connection is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.stt.numbered import SETTINGS, Plan, numbered, serving
from tests.runtime.stt.numbered_turns import ReceivedTurns, TurnService, is_speech
from trio_cartesia import Reconnect
from trio_cartesia.testing import on_virtual_time

steps = st.integers(1, 60)
codes = st.sampled_from([None, 1000, 1001, 1011])
plans = st.lists(st.builds(Plan, steps, codes), max_size=5).map(lambda some: [*some, Plan()])


def speech_of(spans):
    return {number for span in spans for number in range(*span) if is_speech(number)}


@pytest.mark.slow
@given(
    plans,
    st.integers(0, 600),
    st.sets(st.sampled_from([1, 7, 20, 30, 48])),
    st.sampled_from([1, 30]),
)
@on_virtual_time
async def test_each_sample_of_speech_is_in_one_turn_or_in_a_gap(plans, count, eager_at, seconds):
    """Wherever connections are lost, what was spoken is in the text of one turn or in a gap, turns
    are well formed, and a turn that lacks audio says so.
    """
    service, received = TurnService(plans, eager_at=eager_at), ReceivedTurns()
    async with serving(service) as client, trio.open_nursery() as nursery:
        reconnect = Reconnect(attempts=8, replay_seconds=seconds)
        opened = client.stt.auto_finalize.websocket(**SETTINGS, reconnect=reconnect)
        async with opened as session:
            nursery.start_soon(received.receive_from, session)
            await session.feed(numbered(0, count))
    spoken, missing = speech_of(received.spans), speech_of(received.gaps)
    assert not spoken & missing
    assert spoken | missing == speech_of([(0, count)])
    assert all(start >= end for (_, end), (start, _) in pairwise(received.spans))
    assert session.is_complete == (received.loss is None)

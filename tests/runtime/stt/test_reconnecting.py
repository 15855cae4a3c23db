"""Sessions with manual finalize that go on when their connection is lost."""

from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.stt.numbered import (
    RATE,
    SETTINGS,
    NumberedService,
    Plan,
    Received,
    numbered,
    serving,
    spans_of,
)
from trio_cartesia import Reconnect
from trio_cartesia.testing import on_virtual_time

steps = st.integers(1, 30)
codes = st.sampled_from([None, 1000, 1001, 1011])
plans = st.lists(st.builds(Plan, steps, codes), max_size=6).map(lambda some: [*some, Plan()])
actions = st.lists(
    st.one_of(
        st.integers(1, 120).map(lambda count: ("send", count)),
        st.sampled_from([("sleep", 0), ("sleep", 0.2), ("sleep", 7)]),
        st.just(("finalize", 0)),
    ),
    max_size=12,
)
asked = st.builds(dict, has_durations=st.booleans(), finalizes_every=st.just(10_000))
unasked = st.builds(dict, finalizes_every=st.sampled_from([15, 100]))
readings = st.builds(
    lambda when, first, seconds: {**when, "flush_done_first": first, "delay_seconds": seconds},
    asked | unasked,
    st.booleans(),
    st.sampled_from([0, 0.1, 1]),
)


@given(plans, actions, readings, st.sampled_from([0.1, 0.5, 30]))
@on_virtual_time
async def test_each_sample_is_transcribed_once_or_in_a_gap(plans, actions, readings, seconds):
    """Wherever connections are lost, each sample is in the final text once or in one gap; and no
    audio is sent as text, though it could be.
    """
    service, received, count = NumberedService(plans, **readings), Received(), 0
    async with serving(service) as client, trio.open_nursery() as nursery:
        reconnect = Reconnect(attempts=8, replay_seconds=seconds)
        opened = client.stt.manual_finalize.websocket(**SETTINGS, reconnect=reconnect)
        texts = ""
        async with opened as session:
            nursery.start_soon(received.receive_from, session)
            for action, value in actions:
                if action == "send":
                    await session.send_audio(numbered(count, value))
                    count += value
                elif action == "sleep":
                    await trio.sleep(value)
                else:
                    texts += await session.finalize()
                assert session.statistics().replay_buffer_bytes <= seconds * RATE * 2
    assert received.accounts_for(count)
    assert spans_of(session.transcript.final) == received.spans
    assert set(spans_of(texts)) <= set(received.spans)
    assert spans_of(texts) == sorted(set(spans_of(texts)))
    assert set(service.commands) <= {"finalize", "close"}
    assert session.is_complete == (received.loss is None)

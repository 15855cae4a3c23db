"""The working limit of a pool."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._pool.working_limit import (
    LONGEST_PAUSE_SECONDS,
    LONGEST_RECOVERY_SECONDS,
    RECOVERY_SECONDS,
    WorkingLimit,
)

SECONDS = st.sampled_from([0.0, 0.1, 1.0, RECOVERY_SECONDS, 30.0, 1000.0])


@given(
    most=st.integers(1, 20),
    steps=st.lists(st.tuples(SECONDS, st.integers(0, 20)), max_size=30),
    jitter=st.floats(0, 1),
)
def test_the_limit_falls_and_recovers(most, steps, jitter):
    """After a refusal it is what was open beside, at least one; it never exceeds the pool's number
    and gets back there.
    """
    limit, now = WorkingLimit(most), 0.0
    for seconds, others in steps:
        now += seconds
        limit.advance(now)
        before = limit.current
        limit.refuse(others, now, jitter)
        assert limit.current == max(1, min(before, others))
        assert limit.paused_until - now <= LONGEST_PAUSE_SECONDS
        assert limit.allows(0, now) == (others > 0 and now >= limit.paused_until)
        if limit.current < most:
            assert now < limit.next_change(now) <= now + LONGEST_RECOVERY_SECONDS
    assert limit.refusals == len(steps)
    rises = 0
    while (change := limit.next_change(now)) < float("inf"):
        now = change
        limit.advance(now)
        rises += 1
    assert rises <= most + 1  # one at a time, and the end of a pause
    assert limit.current == most
    assert limit.allows(most - 1, now)
    assert not limit.allows(most, now)


def test_pauses_grow_until_a_context_is_spoken():
    """Where nothing of the pool's own can make room, it waits twice as long each time, up to a
    bound; once something was spoken it begins anew.
    """
    limit = WorkingLimit(5)
    pauses = []
    for _ in range(7):
        limit.refuse(0, 0.0, jitter=0)
        pauses.append(limit.paused_until)
    assert pauses == [0.5, 1, 2, 4, 8, 8, 8]
    limit.accept()
    limit.refuse(0, 0.0, jitter=0)
    assert limit.paused_until == 0.5


def test_a_rise_that_is_refused_is_tried_later():
    """Each refusal before the recovery doubles the time to the next rise."""
    limit, now = WorkingLimit(3), 0.0
    waits = []
    for _ in range(6):
        limit.refuse(1, now, jitter=0)
        waits.append(limit.next_change(now) - now)
        now = limit.next_change(now)
        limit.advance(now)
        assert limit.current == 2
    assert waits == [5, 10, 20, 40, 60, 60]


def test_refusals_of_one_moment_are_one():
    """Contexts that are refused together do not delay the recovery more than one does, and one
    that is refused much later counts as the first.
    """
    limit = WorkingLimit(5)
    for others in (4, 3, 2):
        limit.refuse(others, 0.0, jitter=0)
    assert (limit.current, limit.next_change(0.0)) == (2, 5)
    limit.advance(1000)
    assert limit.current == 5
    limit.refuse(4, 1000.0, jitter=0)
    assert limit.next_change(1000) == 1005

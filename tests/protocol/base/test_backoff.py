"""When a pool connects again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia._protocol.base.backoff import (
    BREAKER_FAILURES,
    LONGEST_DELAY_SECONDS,
    Breaker,
    retry_delay,
)


@given(attempt=st.integers(0, 10_000), jitter=st.floats(0, 1), longest=st.floats(0.5, 100))
def test_delays_are_bounded_and_jittered(attempt, jitter, longest):
    """Whatever the attempt, the delay is at most the bound, and jitter takes at most a half."""
    delay = retry_delay(attempt, jitter, longest)
    assert 0.25 <= delay <= longest
    assert retry_delay(attempt, 1, longest) <= delay <= retry_delay(attempt, 0, longest)
    assert retry_delay(attempt, 1, longest) * 2 == retry_delay(attempt, 0, longest)
    assert retry_delay(attempt + 1, jitter, longest) >= delay


@given(outcomes=st.lists(st.booleans(), max_size=40), jitter=st.floats(0, 1))
def test_the_breaker_opens_after_failures_in_a_row(outcomes, jitter):
    """It is open after so many failures in a row, closed by a success, and never waits for longer
    than the bound.
    """
    breaker, now, in_a_row = Breaker(), 0.0, 0
    for succeeds in outcomes:
        assert breaker.retry_at - now <= LONGEST_DELAY_SECONDS
        now = max(now, breaker.retry_at)
        if succeeds:
            breaker.succeed()
            assert breaker.retry_at <= now  # a loss is followed by an attempt at once
        else:
            breaker.fail(now, jitter)
        in_a_row = 0 if succeeds else in_a_row + 1
        assert breaker.is_open == (in_a_row >= BREAKER_FAILURES)
        assert breaker.failures == in_a_row

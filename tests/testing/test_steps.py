"""Time and steps under a test's control."""

from __future__ import annotations

import pytest
import trio

from trio_cartesia.testing import cancelled_at_each_step, on_virtual_time


def test_sleeping_takes_no_time_and_a_deadlock_fails_at_once():
    """A test on virtual time may sleep for days within its hour, but not wait for ever."""
    ends = []

    @on_virtual_time
    async def sleeps(seconds):
        await trio.sleep(seconds)
        ends.append(trio.current_time())

    sleeps(3599)
    assert ends == [3599]
    with pytest.raises(trio.TooSlowError):
        sleeps(float("inf"))


async def test_each_step_is_cancelled_once():
    """A call of three steps is cancelled at each of them, and then completes."""
    reached = []

    async def three_steps():
        for number in range(3):
            await trio.lowlevel.checkpoint()
            reached.append(number)

    assert await cancelled_at_each_step(three_steps) == 4
    assert reached == [0, 0, 1, 0, 1, 2]

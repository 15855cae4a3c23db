"""State machines with a Trio run inside."""

from __future__ import annotations

import inspect
import re
import textwrap
import threading

import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

import trio_cartesia.testing
from trio_cartesia.testing.machine import TrioStateMachine


class Plain(TrioStateMachine):
    @rule()
    def nothing(self):
        """Hypothesis wants at least one rule."""


@pytest.fixture
def machine():
    machine = Plain()
    yield machine
    machine.teardown()


def test_it_is_found_where_the_rest_is():
    """The machine is a name of the kit, though it is loaded only when it is asked for."""
    assert trio_cartesia.testing.TrioStateMachine is TrioStateMachine
    with pytest.raises(AttributeError, match="Nonsense"):
        trio_cartesia.testing.Nonsense  # noqa: B018


def test_rules_get_what_their_calls_return_and_raise(machine):
    """`perform` returns what the call returns, and raises what it raises, as it was raised."""

    async def double(number):
        await trio.lowlevel.checkpoint()
        if number < 0:
            raise KeyError(number)
        return 2 * number

    assert machine.perform(double, 21) == 42
    with pytest.raises(KeyError, match="-1"):
        machine.perform(double, -1)
    assert machine.perform(double, 1) == 2


def test_time_stands_still_but_for_rules(machine):
    """The clock moves by the seconds of a rule, and stops at each deadline on the way."""
    ticks = []

    async def tick():
        while True:
            await trio.sleep(0.3)
            ticks.append(trio.current_time())

    machine.perform(machine.start, tick)
    assert machine.clock.current_time() == 0
    machine.wait(1)
    assert machine.clock.current_time() == pytest.approx(1)
    assert ticks == pytest.approx([0.3, 0.6, 0.9])


def test_everything_has_come_to_rest_when_a_rule_goes_on(machine):
    """Whatever a call sets off has happened when it returns, however many steps it takes."""
    reached = []

    async def walk():
        for number in range(100):
            await trio.lowlevel.checkpoint()
            reached.append(number)

    machine.perform(machine.start, walk)
    assert len(reached) == 100
    assert machine.tasks_living() == 0


def test_a_background_crash_is_the_rule_s_failure():
    """What a background task raises is raised once, by the rule under which it happened."""
    machine = Plain()

    async def crash():
        await trio.sleep(1)
        raise KeyError("crash")

    machine.perform(machine.start, crash)
    with pytest.raises(ExceptionGroup) as caught:  # noqa: ASYNC401  # RaisesGroup is of 8.4
        machine.wait(2)
    assert caught.group_contains(KeyError)
    machine.teardown()


def test_a_run_that_has_ended_takes_no_more_rules():
    """Once a rule has ended the run, each further one fails, and says why."""
    machine = Plain()

    async def end():
        machine.nursery.cancel_scope.cancel("a rule said so")
        await trio.sleep_forever()

    for call in (end, trio.lowlevel.checkpoint):
        with pytest.raises(RuntimeError, match="the run has ended before its example"):
            machine.perform(call)
    machine.teardown()


def test_a_run_that_hangs_fails(machine, monkeypatch):
    """Where nothing happens for a long time, the rule fails instead of waiting for ever."""
    monkeypatch.setattr(trio_cartesia.testing.machine, "HANG_SECONDS", 0.01)
    release = threading.Event()
    with pytest.raises(TimeoutError, match="the run hangs"):
        machine.perform(trio.to_thread.run_sync, release.wait)
    release.set()
    monkeypatch.undo()


def test_teardown_ends_what_is_left_even_if_it_takes_its_time():
    """Tasks are cancelled at the end, and grace periods pass in no time."""
    machine, ended = Plain(), []

    async def linger():
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(1000)
            ended.append(trio.current_time())

    machine.perform(machine.start, linger)
    assert machine.tasks_living() == 1
    machine.teardown()
    assert ended == [1000]


def test_a_failure_prints_as_a_script():
    """The example that is left of a failure is a few lines that anybody can read."""

    class Lamp(TrioStateMachine):
        is_on = False

        @rule(seconds=st.sampled_from([1, 5]))
        def time_passes(self, seconds):
            self.wait(seconds)

        @rule()
        def toggle(self):
            self.is_on = not self.is_on
            assert self.clock.current_time() < 5

        def end(self):
            assert self.perform(trio.lowlevel.checkpoint) is None

    quick = settings(max_examples=200, database=None, derandomize=True, stateful_step_count=5)
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(Lamp, settings=quick)
    printed = "\n".join(caught.value.__notes__)
    assert "state = Lamp()" in printed
    assert "state.teardown()" in printed


def test_the_example_in_its_docstring_runs():
    """The docstring's example is a program that runs as it stands."""
    code = re.search(r"Example::\n\n((?:    .*\n|\n)+)", inspect.getdoc(TrioStateMachine) + "\n")
    exec(textwrap.dedent(code[1]), {"__name__": "example"})  # noqa: S102

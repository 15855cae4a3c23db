"""The table of a context's life."""

from __future__ import annotations

import itertools

import pytest

from trio_cartesia import LocalProtocolError
from trio_cartesia._protocol.tts.context_states import TRANSITIONS, End, State, Trigger, advance


@pytest.mark.parametrize(("state", "step"), list(itertools.product(State, Trigger)))
def test_every_step_is_either_in_the_table_or_refused(state, step):
    """What the table has leads where it says; everything else is an error that names both."""
    if (state, step) in TRANSITIONS:
        assert advance(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(LocalProtocolError, match=f"{step.value}.*{state.value}"):
            advance(state, step)


def test_a_loss_ends_every_state():
    """A loss leads from each state to the final one, which no step leaves."""
    assert all(state is not State.CLOSED for state, _ in TRANSITIONS)
    for state in set(State) - {State.CLOSED}:
        assert TRANSITIONS[state, Trigger.LOSE] is State.CLOSED


def test_only_a_context_that_the_service_knows_can_drain():
    """Cancelling leads to draining only where something was sent."""
    draining = [state for (state, step), to in TRANSITIONS.items() if to is State.DRAINING]
    assert State.NEW not in draining
    assert TRANSITIONS[State.NEW, Trigger.CANCEL] is State.CLOSED


def test_states_and_ends_are_called_what_the_docs_call_them():
    """The words in errors and statistics are those of the explanation of contexts."""
    assert [state.value for state in State] == ["new", "open", "half-closed", "draining", "closed"]
    assert [end.value for end in End] == ["done", "expired", "cancelled", "failed", "lost"]
    for step in Trigger:
        assert step.value == step.name.lower().replace("_", " ")

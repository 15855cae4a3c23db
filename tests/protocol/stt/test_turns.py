"""The order of a turn's events."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.stt.turn_orders import sessions
from trio_cartesia import RemoteProtocolError
from trio_cartesia._protocol.stt.turns import (
    TRANSITIONS,
    TurnSequence,
    TurnState,
    TurnStep,
    advance,
    same_words,
)


@pytest.mark.parametrize(("state", "step"), list(itertools.product(TurnState, TurnStep)))
def test_every_step_is_either_in_the_table_or_refused(state, step):
    """What the table has leads where it says; everything else is an error that names both."""
    if (state, step) in TRANSITIONS:
        assert advance(state, step) is TRANSITIONS[state, step]
    else:
        with pytest.raises(RemoteProtocolError, match=f"{step.value} {state.value}, where only"):
            advance(state, step)


def test_the_error_names_the_events_that_are_possible():
    """A resume that withdraws nothing is answered with what may come there."""
    with pytest.raises(RemoteProtocolError) as caught:
        advance(TurnState.SPEAKING, TurnStep.RESUME)
    assert str(caught.value) == (
        "the service sent turn.resume in a turn, where only turn.update, turn.eager_end, turn.end "
        "may come"
    )


@given(sessions())
def test_a_legal_order_gives_whole_turns_with_all_of_their_text(told):
    """Whatever an event lacks, each turn has the longest text that came, and says if it ended."""
    sequence = TurnSequence()
    seen = []
    for turn in told:
        for kind, transcript in turn.events:
            progress = sequence.receive(TurnStep(kind), transcript)
            if kind == "turn.start":
                seen.append(progress)
            assert progress is seen[-1]
    sequence.cut()
    assert [(turn.text, turn.is_complete) for turn in seen] == [
        (turn.text, turn.is_complete) for turn in told
    ]
    assert all(turn.is_over for turn in seen)


LETTERS = {
    TurnStep.START: "S",
    TurnStep.UPDATE: "u",
    TurnStep.EAGER_END: "e",
    TurnStep.RESUME: "r",
    TurnStep.END: "E",
}
OPEN_TURN = "S(u|eu*r)*(eu*)?"  # protocol §4.4, without the end
LEGAL = re.compile(f"({OPEN_TURN}E)*({OPEN_TURN})?")


@given(st.lists(st.sampled_from(list(LETTERS))))
def test_a_step_is_refused_where_the_grammar_has_none_and_changes_nothing(steps):
    """The table and the protocol's grammar allow the same orders."""
    sequence, taken = TurnSequence(), ""
    for step in steps:
        turn = sequence.turn
        before = turn and (turn.state, turn.text, turn.resumes, turn.is_complete)
        try:
            sequence.receive(step, "text")
        except RemoteProtocolError:
            assert not LEGAL.fullmatch(taken + LETTERS[step])
            assert sequence.turn is turn
            assert before == (turn and (turn.state, turn.text, turn.resumes, turn.is_complete))
        else:
            taken += LETTERS[step]
            assert LEGAL.fullmatch(taken)


def test_text_is_not_in_the_repr():
    """What users say is in no repr."""
    sequence = TurnSequence()
    sequence.receive(TurnStep.START)
    sequence.receive(TurnStep.UPDATE, "my secret")
    assert "secret" not in repr(sequence)


def test_words_are_compared_without_case_and_punctuation():
    """A full stop changes no word; another word, or a word that goes on, does."""
    assert same_words("book a table", "Book a table. ")
    assert same_words("", "...")
    assert not same_words("book a", "book a table")
    assert not same_words("a table", "atable")


def test_words_of_scripts_whose_vowels_are_marks_are_compared_whole():
    """Words that differ in a mark differ; how a mark is encoded makes no difference."""
    assert not same_words("\u0915\u093f", "\u0915\u093e")  # ki and ka in Hindi
    assert not same_words("caf\u00e9", "cafe")
    assert same_words("caf\u00e9", "cafe\u0301")

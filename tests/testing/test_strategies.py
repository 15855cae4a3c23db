"""What the strategies make, and how it prints."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.support import SETTINGS, received_audio
from trio_cartesia import Cartesia, CartesiaError
from trio_cartesia._protocol.base.audio import BYTES_PER_FRAME
from trio_cartesia._protocol.tts.decoder import read_event
from trio_cartesia.server import Behaviour, Tones, open_server
from trio_cartesia.testing import Script, connect_in_memory, on_virtual_time
from trio_cartesia.testing.script import Closes, Cuts, Fails, HalfCloses, Resets, Speaks
from trio_cartesia.testing.strategies import (
    audio,
    behaviours,
    events,
    interleavings,
    pieces,
    scripts,
    slices,
    transcripts,
)


@given(data=st.data(), encoding=st.sampled_from(sorted(BYTES_PER_FRAME)))
def test_audio_is_whole_frames(data, encoding):
    """Audio has whole frames of its encoding."""
    assert len(data.draw(audio(encoding=encoding))) % BYTES_PER_FRAME[encoding] == 0


@given(data=st.data(), whole=st.binary(max_size=30))
def test_slices_are_the_whole(data, whole):
    """Slices joined are what was sliced."""
    assert b"".join(data.draw(slices(whole))) == whole


@given(data=st.data(), sizes=st.lists(st.integers(0, 5), max_size=4))
def test_interleavings_keep_each_order(data, sizes):
    """An interleaving has every item once, and those of one sequence in their order."""
    sequences = [[(number, item) for item in range(size)] for number, size in enumerate(sizes)]
    merged = data.draw(interleavings(sequences))
    for number, sequence in enumerate(sequences):
        assert [item for item in merged if item[0] == number] == sequence
    assert len(merged) == sum(sizes)


@given(event=events(st.just("a")), text=transcripts(), parts=pieces())
def test_events_and_texts_are_well_formed(event, text, parts):
    """The client can read each event, and each text can be pushed."""
    assert read_event(json.dumps(event), {}).context_id == "a"
    assert text
    assert all(parts)
    "".join([text, *parts]).encode()


LIMITS = {
    *("max_message_bytes", "max_waiting_characters", "remembered_contexts", "idle_seconds"),
    "stt_idle_seconds",
}


@pytest.mark.slow
@pytest.mark.parametrize("field", sorted(attrs.fields_dict(Behaviour).keys() - LIMITS))
def test_every_open_question_is_answered_both_ways(field):
    """For each field of `Behaviour` but the limits, there are examples of more than one value."""
    usual = getattr(Behaviour(), field)
    quick = settings(max_examples=2000, phases=[Phase.generate], database=None)
    assert find(behaviours(), lambda made: getattr(made, field) != usual, settings=quick)


def printed_by(check, strategy):
    """Return what Hypothesis prints of a failing example, after shrinking."""

    @settings(database=None, derandomize=True)
    @given(strategy)
    def fails(value):
        check(value)

    with pytest.raises(AssertionError) as caught:
        fails()
    return "\n".join(caught.value.__notes__)


@pytest.mark.slow
def test_a_failing_behaviour_prints_what_matters():
    """A failing case names the fields that are not as usual, and no others."""

    def check(behaviour):
        assert behaviour.late_input == "error"

    assert "Behaviour(late_input='new_context')" in printed_by(check, behaviours())


@pytest.mark.slow
def test_a_failing_script_shrinks_to_its_point():
    """A failing script is cut down to the acts that make it fail."""

    def check(script):
        kinds = [type(act) for act in script]
        assert Resets not in kinds or Speaks not in kinds[: kinds.index(Resets)]

    found = find(scripts(["a"]), lambda script: not passes(check, script))
    assert found == Script(Speaks("a", b""), Resets())


@given(script=scripts(["a"], may_lose=False))
def test_a_script_may_be_kept_from_ending_the_connection(script):
    """Where the connection may not be lost, no act of a script closes, cuts or resets it."""
    for act in script:
        assert not isinstance(act, Closes | Cuts | HalfCloses | Resets)
        assert not isinstance(act, Fails) or act.context_id is not None


def passes(check, value):
    try:
        check(value)
    except AssertionError:
        return False
    return True


@pytest.mark.slow
@given(behaviour=behaviours(), texts=pieces())
@settings(max_examples=50, deadline=None)
@on_virtual_time
async def test_under_every_behaviour_a_conversation_ends(behaviour, texts):
    """Under any reading, the client receives the audio that was spoken, or an
    error says why not.
    """
    async with (
        open_server(port=None, voice=Tones(), behaviour=behaviour) as server,
        connect_in_memory(server) as open_stream,
        Cartesia("sk_car_test", base_url=server.url, open_stream=open_stream) as client,
        client.tts.websocket_connect() as connection,
        connection.context(**SETTINGS, context_id="a") as context,
    ):
        try:
            for text in texts:
                await context.push(text)
            await context.no_more_inputs()
            received = b"".join(await received_audio(context))
        except CartesiaError:
            return
        assert received == server.journal.context("a").audio

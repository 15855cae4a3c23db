"""Reading events: what no other test would have noticed."""

from __future__ import annotations

import json

import pytest

from trio_cartesia import Chunk, Done, FlushDone, RemoteProtocolError, UnknownEvent, WordTimestamps
from trio_cartesia._protocol.base import json as base_json
from trio_cartesia._protocol.tts.decoder import MAX_VALUES, read_event, read_event_generally

WORDS = {"words": ["a"], "start": [0.0], "end": [0.5]}


def timestamps(**columns):
    return json.dumps(
        {"type": "timestamps", "context_id": "a", "word_timestamps": {**WORDS, **columns}}
    )


@pytest.mark.parametrize("kind", [str, str.encode])
@pytest.mark.parametrize("read", [read_event, read_event_generally])
def test_values_are_counted_in_every_form_of_a_message(kind, read):
    """
    A message, text or binary, may have as many values as the bound says, and not one more.
    """
    empty = '{{"type":"news","a":[{}]}}'
    at_most = MAX_VALUES - empty.count(",") - empty.count("[") - 1  # and a brace of its own
    most = read(kind(empty.format("0" + ",0" * at_most)))
    assert isinstance(most, UnknownEvent)
    with pytest.raises(RemoteProtocolError, match="too many values"):
        read(kind(empty.format("0" + ",0" * (at_most + 1))))


@pytest.mark.parametrize("sign", ["[", "{"])
def test_brackets_count_as_values(sign):
    """
    A message of nothing but openings is refused before it is parsed, whichever they are.
    """
    with pytest.raises(RemoteProtocolError, match="too many values"):
        read_event(sign * (MAX_VALUES + 1))


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("number", "is_read"),
    [("1e999", False), ("-1e999", False), ("NaN", False), (str(2**64), True), ("1", True)],
)
def test_times_are_finite_numbers(monkeypatch, quick, number, is_read):
    """
    Whatever reads the JSON, a time is a finite number, or the event is malformed.
    """
    if not quick:
        monkeypatch.setattr(base_json, "loads", base_json.plain_loads)
    text = timestamps().replace("[0.5]", f"[{number}]")
    if is_read:
        event = read_event(text)
        assert isinstance(event, WordTimestamps)
        assert event.word_timestamps.end == (float(number),)
    else:
        with pytest.raises(RemoteProtocolError):
            read_event(text)


def test_a_huge_whole_number_is_no_time(monkeypatch):
    """
    A whole number that a float would barely hold is not read as seconds.
    """
    monkeypatch.setattr(base_json, "loads", base_json.plain_loads)
    with pytest.raises(RemoteProtocolError):
        read_event(timestamps().replace("[0.5]", f"[{2**64 + 1}]"))


def test_what_says_nothing_of_its_segment_is_in_the_first():
    """
    Events that are made by hand, as tests of users do, belong to segment 0.
    """
    times = read_event(timestamps())
    assert isinstance(times, WordTimestamps)
    made = WordTimestamps(context_id="a", word_timestamps=times.word_timestamps)
    for event in (made, Chunk(context_id="a", audio=b""), FlushDone(context_id="a")):
        assert event.segment == 0


def test_reprs_tell_sizes_and_not_speech():
    """
    An event's repr has the size of its audio in bytes, and the number of its words, not them.
    """
    assert "<3 bytes>" in repr(Chunk(context_id="a", audio=b"123"))
    shown = repr(read_event(timestamps(words=["secret"])))
    assert "<1 items>" in shown
    assert "secret" not in shown


@pytest.mark.parametrize("kind", ["flush_done", "done"])
def test_fields_of_the_wire_do_not_choose_a_segment(kind):
    """
    A segment is counted here; one that the wire claims is not believed.
    """
    text = json.dumps({"type": kind, "context_id": "a", "segment": 9, "done": True, "flush_id": 1})
    event = read_event(text, {"a": 2})
    assert isinstance(event, (Done, FlushDone))
    assert getattr(event, "segment", 2) == 2
